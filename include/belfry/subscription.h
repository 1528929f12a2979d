// The right to receive, and its end.
#pragma once

#include <memory>
#include <utility>

#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/listener_body.h"
#include "belfry/listener_signature.h"
#include "belfry/publish_result.h"

namespace belfry {

class Listener;
struct SubscribeError;

// How a Reset ended.
enum class ResetResult {
  kDone,           // nothing runs, nothing will, the callable is destroyed
  kDeferred,       // called from inside the listener's own delivery: destroyed when that ends
  kWouldDeadlock,  // its delivery waits for one that this thread is in: detached, not waited for
};

// How a Replace ended.
enum class ReplaceResult {
  kDone,           // as above, for the former callable
  kDeferred,       // called while this thread delivers an event of the type: destroyed after that
  kWouldDeadlock,  // its delivery waits for one that this thread is in: replaced, not waited for
  kClosed,         // the subscription is empty, or its dispatcher has ended: nothing was replaced
};

// A listener's subscription. Whoever holds it holds the listener's registration.
//
//   belfry::Subscription subscription =
//       dispatcher.Subscribe([this](const OrderPlaced&) { ++orders_; });
//   subscription.Reset();   // after this no call runs, none will, and `this` may go
//
// Thread safety: one thread at a time. It may be any thread, and inside any listener.
// Lifetime: may outlive the dispatcher; it is empty then in effect.
class [[nodiscard]] BELFRY_EXPORT Subscription {
 public:
  Subscription();  // empty
  Subscription(Subscription&& other) noexcept;
  // Resets what was held before.
  Subscription& operator=(Subscription&& other) noexcept;
  // Resets. A cycle of listeners that wait for each other is a bug here (aborts, naming both).
  ~Subscription();

  // Ends the subscription and waits: after it returned kDone no delivery of this listener is
  // running on any thread, none will start, and the callable and its captures are destroyed.
  // Queued events are cancelled and counted. Empty: kDone.
  // Blocking: until running deliveries of this listener have ended.
  ResetResult Reset();

  // Ends the subscription without waiting: no delivery has its turn after it returned; one that had
  // it before goes on, and the callable is destroyed when it ends.
  void Detach();

  // Puts `callable`, for the same event type, into the place of the listener's, which keeps its id,
  // name, options, counters and what is queued. Each event is handled by exactly one of the two:
  // one that was published before by the former if the listener is inline, and by whichever is
  // there when its turn comes if it is queued. After kDone the former callable runs nowhere and is
  // destroyed. A callable for another event type is a bug (aborts, naming both).
  // Throws std::bad_alloc and what the callable's move throws, with nothing changed.
  // Blocking: until running deliveries to the former callable have ended.
  template <class F>
  requires requires { typename EventOfListener<F>; }
  ReplaceResult Replace(F callable) { return Replace<EventOfListener<F>>(std::move(callable)); }
  template <class E, class F>
  ReplaceResult Replace(F callable) {
    return ReplaceErased(EventTypeOf<E>(), CallableHandle::Of<E>(callable));
  }

  // Until Unmute no delivery of this listener has its turn: events are passed over and counted as
  // filtered. One that had it before goes on.
  void Mute();
  void Unmute();

  // Whether there is something to reset.
  explicit operator bool() const { return listener_ != nullptr; }
  ListenerId id() const;  // 0 when empty

  // OK, or why Subscribe failed: FAILED_PRECONDITION (the dispatcher is closed),
  // INVALID_ARGUMENT (an option, named), ALREADY_EXISTS (somebody else answers, see flow/answer.h).
  absl::Status status() const;

 private:
  friend class Dispatcher;
  friend struct CoreAccess;
  explicit Subscription(Listener& listener);
  explicit Subscription(SubscribeError why_not);
  ReplaceResult ReplaceErased(EventType type, CallableHandle callable);

  Listener* listener_ = nullptr;
  std::unique_ptr<SubscribeError> why_not_;
};

}  // namespace belfry
