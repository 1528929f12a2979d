// How a listener wants to be called.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "belfry/clock.h"

namespace belfry {

class Executor;

// Where a listener runs. On a synchronous dispatcher both run on the publishing thread.
enum class Run {
  kQueued,  // on its executor, one event at a time, from its own bounded queue
  kInline,  // inside Publish, on the publishing thread; on several at once if several publish
};

// What a publish does when a listener's queue has no room.
struct Overflow {
  enum class Policy {
    kBlock,   // waits for room, at most `patience`, then is refused
    kReject,  // is refused at once
  };
  Policy policy = Policy::kBlock;
  Nanoseconds patience = std::chrono::seconds(1);

  static Overflow Block(Nanoseconds patience) { return {Policy::kBlock, patience}; }
  static Overflow Reject() { return {Policy::kReject, Nanoseconds::zero()}; }
};

// Every queue is bounded. A single event larger than `bytes_max` never fits.
struct QueueLimit {
  std::size_t events_max = 1024;
  std::size_t bytes_max = std::size_t{16} << 20;  // see event_handle.h for how events are counted
};

//   dispatcher.Subscribe(SendWelcome, {.name = "mail.welcome", .overflow = Overflow::Reject()});
struct ListenerOptions {
  std::string name{};  // "" stands for "EventType@file:line"
  Run run = Run::kQueued;
  Executor* executor = nullptr;  // null: the dispatcher's. It outlives the dispatcher.
  QueueLimit queue{};
  Overflow overflow{};
};

}  // namespace belfry
