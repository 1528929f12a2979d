// How a listener wants to be called.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "belfry/clock.h"
#include "belfry/event_filter.h"

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

// An object that a listener may not outlive, or none. A null pointer is an owner that is gone.
class Owner {
 public:
  Owner() = default;
  template <class T>
  Owner(const std::shared_ptr<T>& owner)  // NOLINT(google-explicit-constructor): an option
      : watched_(owner), exists_(true) {}
  template <class T>
  Owner(const std::weak_ptr<T>& owner)  // NOLINT(google-explicit-constructor): an option
      : watched_(owner), exists_(true) {}

  explicit operator bool() const { return exists_; }
  std::shared_ptr<const void> Lock() const { return watched_.lock(); }

 private:
  std::weak_ptr<const void> watched_;
  bool exists_ = false;
};

//   dispatcher.Subscribe(SendWelcome, {.name = "mail.welcome", .overflow = Overflow::Reject()});
//   dispatcher.Subscribe(Frown, {.filter = [](const Order& order) { return order.total < 1; }});
//   dispatcher.Subscribe(OpenCurtain, {.once = true});
//   dispatcher.Subscribe([window = window.get()](const Moved& moved) { window->Draw(moved); },
//                        {.owner = window});
struct ListenerOptions {
  std::string name{};  // "" stands for "EventType@file:line"
  Run run = Run::kQueued;
  Executor* executor = nullptr;  // null: the dispatcher's. It outlives the dispatcher.
  QueueLimit queue{};
  Overflow overflow{};

  // Events that it does not want are counted as filtered.
  EventFilter filter{};
  // It ends by itself with the first event that it wants and is not called for another one, however
  // many are published at once; what is queued then is cancelled. The delivery may fail.
  bool once = false;
  // It ends by itself when this is gone, at the next event, which is counted as filtered. Kept
  // alive for the length of each call, so its last reference may go on a thread of the executor.
  Owner owner{};
};

}  // namespace belfry
