// The right to receive, and its end.
#pragma once

#include <memory>

#include "belfry/export.h"
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

// A listener's subscription. Whoever holds it holds the listener's registration.
//
//   belfry::Subscription subscription = dispatcher.Subscribe([this](const OrderPlaced&) { ... });
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

  // Ends the subscription without waiting: no delivery starts after it returned; one that is
  // running goes on, and the callable is destroyed when it ends.
  void Detach();

  // Whether there is something to reset.
  explicit operator bool() const { return listener_ != nullptr; }
  ListenerId id() const;  // 0 when empty

  // OK, or why Subscribe failed: FAILED_PRECONDITION (the dispatcher is closed),
  // INVALID_ARGUMENT (an option, named).
  absl::Status status() const;

 private:
  friend class Dispatcher;
  explicit Subscription(Listener& listener);
  explicit Subscription(SubscribeError why_not);

  Listener* listener_ = nullptr;
  std::unique_ptr<SubscribeError> why_not_;
};

}  // namespace belfry
