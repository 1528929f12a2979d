// How much a listener's queue may hold, and what becomes of what does not fit.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

#include "belfry/clock.h"
#include "belfry/event_key.h"

namespace belfry {

// What a publish does when a listener's queue has no room.
struct Overflow {
  enum class Policy {
    kBlock,       // the publisher waits for room, no longer than `patience`; never on an executor's
                  // thread, where a full queue is kWouldDeadlock
    kReject,      // the event is refused, and no other listener gets it either
    kDropNewest,  // the listener does not get this event, the others do; PublishTracked says who
                  // went without
    kDropOldest,  // the listener does not get the oldest event that waits
    kCoalesce,    // an event takes the place of a waiting one with the same key, whether there is
                  // room for more events or not; one with another key, or with too many more bytes,
                  // waits for room as with kBlock
  };
  Policy policy = Policy::kBlock;
  Nanoseconds patience = std::chrono::seconds(1);
  EventKey same{};  // of kCoalesce: a number, an enumerator or a text

  static Overflow Block(Nanoseconds patience) { return {Policy::kBlock, patience}; }
  static Overflow Reject() { return {Policy::kReject, Nanoseconds::zero()}; }
  static Overflow DropNewest() { return {Policy::kDropNewest, Nanoseconds::zero()}; }
  static Overflow DropOldest() { return {Policy::kDropOldest, Nanoseconds::zero()}; }
  static Overflow Coalesce(EventKey same, Nanoseconds patience = std::chrono::seconds(1)) {
    return {Policy::kCoalesce, patience, std::move(same)};
  }
};

// As in the options: "block", "reject", "drop_newest", "drop_oldest" or "coalesce".
constexpr std::string_view ToString(Overflow::Policy policy) {
  switch (policy) {
    case Overflow::Policy::kBlock:
      return "block";
    case Overflow::Policy::kReject:
      return "reject";
    case Overflow::Policy::kDropNewest:
      return "drop_newest";
    case Overflow::Policy::kDropOldest:
      return "drop_oldest";
    case Overflow::Policy::kCoalesce:
      return "coalesce";
  }
  return "unknown";
}

// Every queue is bounded. A single event larger than `bytes_max` never fits.
struct QueueLimit {
  std::size_t events_max = 1024;
  std::size_t bytes_max = std::size_t{16} << 20;  // see event_handle.h for how events are counted
};

}  // namespace belfry
