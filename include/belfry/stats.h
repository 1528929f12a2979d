// What a dispatcher has counted. Always on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "belfry/event_type.h"
#include "belfry/listener_options.h"
#include "belfry/publish_result.h"
#include "belfry/site.h"

namespace belfry {

// Deliveries by what became of them. At every moment at which nobody is publishing,
//   offered = handled + dead + filtered + dropped + coalesced + expired + cancelled + queued +
//             running + retrying.
struct DeliveryCounts {
  std::uint64_t offered = 0;
  std::uint64_t handled = 0;
  std::uint64_t dead = 0;       // the listener failed, for the last time if it tries again
  std::uint64_t filtered = 0;   // it was muted, or did not want it
  std::uint64_t dropped = 0;    // there was no room, and it may lose some; see Overflow
  std::uint64_t coalesced = 0;  // another one with the same key took its place
  std::uint64_t expired = 0;    // it had waited for longer than the listener's deadline
  std::uint64_t cancelled = 0;  // the listener was reset, or the dispatcher shut down, before
  std::uint64_t queued = 0;
  std::uint64_t running = 0;
  std::uint64_t retrying = 0;  // waiting to be tried again

  bool balanced() const {
    return offered == handled + dead + filtered + dropped + coalesced + expired + cancelled +
                          queued + running + retrying;
  }
  DeliveryCounts& operator+=(const DeliveryCounts& other);
};

// What a listener was subscribed with; see ListenerOptions.
struct ListenerTraits {
  Site site{};             // of its Subscribe
  Run run = Run::kQueued;  // kQueued for all on a synchronous dispatcher
  QueueLimit queue{};      // of a queued one, and so are these
  Overflow::Policy overflow = Overflow::Policy::kBlock;
  unsigned concurrency = 1;
  unsigned starvation_max = 0;
  unsigned attempts_max = 1;
  Nanoseconds deadline{};
  bool dead_letters = false;
  Phase phase = Phase::kNormal;  // see ListenerOrder
  int priority = 0;
  bool keyed = false;
  bool filtered = false;
  bool once = false;
  bool owned = false;
  bool suspends = false;  // it is a coroutine
};

struct ListenerStats {
  ListenerId id = 0;
  std::string name{};
  EventType event_type;
  DeliveryCounts deliveries{};
  ListenerTraits traits{};
  bool muted = false;
  std::string selects{};  // the events that it is for, if these are of several types
};

struct TypeStats {
  EventType event_type;
  std::uint64_t published = 0;  // accepted
  std::uint64_t refused = 0;
  std::uint64_t orphaned = 0;   // accepted, with nobody listening
  DeliveryCounts deliveries{};  // of all its listeners, those that are gone included
};

struct Stats {
  std::vector<TypeStats> types{};          // by index
  std::vector<ListenerStats> listeners{};  // those subscribed now, by id
  std::uint64_t scheduled = 0;             // events that wait to be published later
  std::uint64_t dead_letters = 0;          // that are kept
};

inline DeliveryCounts& DeliveryCounts::operator+=(const DeliveryCounts& other) {
  offered += other.offered;
  handled += other.handled;
  dead += other.dead;
  filtered += other.filtered;
  dropped += other.dropped;
  coalesced += other.coalesced;
  expired += other.expired;
  cancelled += other.cancelled;
  queued += other.queued;
  running += other.running;
  retrying += other.retrying;
  return *this;
}

}  // namespace belfry
