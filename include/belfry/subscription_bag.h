// Several subscriptions that end together.
#pragma once

#include <cstddef>
#include <vector>

#include "belfry/export.h"
#include "belfry/subscription.h"

namespace belfry {

//   class Kitchen {
//    public:
//     explicit Kitchen(belfry::Dispatcher& dispatcher) {
//       subscriptions_ += dispatcher.Subscribe([this](const OrderPlaced&) { ++orders_; });
//       subscriptions_ += dispatcher.Subscribe([this](const OrderCancelled&) { --orders_; });
//     }
//     int orders() const { return orders_; }
//
//    private:
//     std::atomic<int> orders_{0};
//     belfry::SubscriptionBag subscriptions_;   // last, so that it goes first
//   };
//
// Thread safety: one thread at a time. It may be any thread, and inside any listener. What the end
// of a subscription destroys may use the bag, too, as long as that lives.
class BELFRY_EXPORT SubscriptionBag {
 public:
  SubscriptionBag() = default;
  SubscriptionBag(SubscriptionBag&& other) noexcept = default;
  // Resets what was held before.
  SubscriptionBag& operator=(SubscriptionBag&& other) noexcept;
  // Resets. A cycle of listeners that wait for each other is a bug here (aborts, naming both).
  ~SubscriptionBag();

  // Takes over a subscription; an empty one is only remembered for why it is.
  // Throws std::bad_alloc; the subscription is reset then.
  SubscriptionBag& operator+=(Subscription subscription);

  // Resets all, the latest first; see Subscription::Reset. kDone if all of them were, else the
  // worst: kWouldDeadlock, then kDeferred.
  // Blocking: until running deliveries of these listeners have ended.
  ResetResult Reset();
  // Ends them all without waiting; see Subscription::Detach.
  void Detach();

  bool empty() const { return subscriptions_.empty(); }
  std::size_t size() const { return subscriptions_.size(); }
  // OK, or why the first one that was refused was.
  absl::Status status() const;

 private:
  Subscription TakeLatest();

  std::vector<Subscription> subscriptions_;
  Subscription refused_;
};

}  // namespace belfry
