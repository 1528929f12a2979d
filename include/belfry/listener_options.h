// How a listener wants to be called.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "belfry/clock.h"
#include "belfry/event_filter.h"
#include "belfry/event_key.h"
#include "belfry/listener_order.h"
#include "belfry/overflow.h"
#include "belfry/quarantine.h"
#include "belfry/retry.h"

namespace belfry {

class Executor;

// Where a listener runs. On a synchronous dispatcher both run on the publishing thread.
enum class Run {
  kQueued,  // on its executor, one event at a time, from its own bounded queue
  kInline,  // inside Publish, on the publishing thread; on several at once if several publish
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

//   auto welcome = dispatcher.Subscribe(
//       SendWelcome, {.name = "mail.welcome", .overflow = Overflow::Reject()});
//   auto frown = dispatcher.Subscribe(
//       Frown, {.filter = [](const Order& order) { return order.total < 1; }});
//   auto book = dispatcher.Subscribe(
//       Book, {.key = [](const Payment& payment) { return payment.account; }, .concurrency = 4});
//   auto show = dispatcher.Subscribe(
//       Show, {.overflow = Overflow::Coalesce([](const Price& price) { return price.symbol; })});
//   auto mail = dispatcher.Subscribe(SendMail, {.retry = {.attempts_max = 5},
//                                               .deadline = std::chrono::hours(1),
//                                               .dead_letters = true});
//   auto open = dispatcher.Subscribe(OpenCurtain, {.once = true});
//   auto check =
//       dispatcher.Subscribe(Check, {.run = Run::kInline, .order = {.phase = Phase::kEarly}});
//   auto draw = dispatcher.Subscribe(
//       [window = window.get()](const Moved& moved) { window->Draw(moved); }, {.owner = window});
struct ListenerOptions {
  std::string name{};  // "" stands for "EventType@file:line"
  Run run = Run::kQueued;
  Executor* executor = nullptr;  // null: the dispatcher's. It outlives the dispatcher.
  QueueLimit queue{};
  Overflow overflow{};

  // Events with one key start in the order in which they were published, each when the one before
  // has ended; others may run at the same time, up to `concurrency`. Keys that share one of some 64
  // times `concurrency` hash values count as one. Asked for on every dispatcher and with every
  // `concurrency`, so that what it throws fails the delivery on all alike.
  EventKey key{};
  // How many of its events may run at the same time. The callable must be thread-safe then.
  unsigned concurrency = 1;
  // Above zero, events start in the order of their lanes, but for what a key or an ordered retry
  // keeps in order: the most urgent first, and the first of a lane is overtaken by so many at most.
  // Zero: in the order in which they were published, as on a synchronous dispatcher.
  unsigned starvation_max = 0;

  // Its turn among the others: for inline listeners, and all on a synchronous dispatcher.
  ListenerOrder order{};

  // What it fails on is tried again, unless that would be in vain.
  Retry retry{};
  // From its publish on. An event that has waited for longer is not delivered any more, and counted
  // as expired; one that was tried before is not tried again, and has failed. Zero: there is none.
  Nanoseconds deadline{};
  // What it has failed on for good is kept, see Dispatcher::dead_letters.
  bool dead_letters = false;
  // When it fails too often it is muted.
  Quarantine quarantine{};

  // Events that it does not want are counted as filtered.
  EventFilter filter{};
  // First of all it gets the sticky event of its type, if there is one, whatever room there is; see
  // PublishOptions::sticky.
  bool sticky = false;
  // It ends by itself with the first event that it wants and is not called for another one, however
  // many are published at once; what is queued then is cancelled. The delivery may fail.
  bool once = false;
  // It ends by itself when this is gone, at the next event, which is counted as filtered. Kept
  // alive for the length of each call, so its last reference may go on a thread of the executor.
  Owner owner{};
};

}  // namespace belfry
