// A flow and its tests: an order is paid in time, or cancelled, and never both.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>

#include "belfry/subscription_bag.h"
#include "belfry/testing/explore.h"

struct Order {
  int number = 0;
};
struct OrderPlaced : Order {};
struct PaymentReceived : Order {};
struct PaymentTimedOut : Order {};
struct OrderShipped : Order {};
struct OrderCancelled : Order {};

// --- The program: it knows nothing of tests ---

class Checkout {
 public:
  explicit Checkout(belfry::Dispatcher& dispatcher) {
    listeners_ += dispatcher.Subscribe([this, &dispatcher](const OrderPlaced& order) {
      const std::lock_guard lock(mutex_);
      unpaid_.insert(order.number);
      dispatcher.PublishAfter(std::chrono::seconds(30), PaymentTimedOut{order});
    });
    listeners_ += dispatcher.Subscribe(
        [this](const PaymentReceived& order) { return Close<OrderShipped>(order); },
        {.name = "checkout.ship"});
    listeners_ += dispatcher.Subscribe(
        [this](const PaymentTimedOut& order) { return Close<OrderCancelled>(order); },
        {.name = "checkout.cancel"});
  }

 private:
  // Publishes how it ends if it was open: the first to ask decides.
  template <class End>
  std::optional<End> Close(const Order& order) {
    const std::lock_guard lock(mutex_);
    return unpaid_.erase(order.number) > 0 ? std::optional(End{order}) : std::nullopt;
  }

  std::mutex mutex_;
  std::set<int> unpaid_;
  belfry::SubscriptionBag listeners_;
};

// --- Its tests ---

template <class E>
auto Count(const belfry::testing::World& world) {
  return std::ranges::count_if(world.record().events,
                               [](const auto& event) { return event.template As<E>(); });
}

TEST(CheckoutTest, AnOrderThatIsNotPaidIsCancelled) {
  belfry::testing::World world;
  const Checkout checkout(world.dispatcher());
  world.dispatcher().Publish(OrderPlaced{{1}});
  world.RunFor(std::chrono::seconds(30));  // of the world's time: at once
  EXPECT_EQ(Count<OrderCancelled>(world), 1);
}

TEST(CheckoutTest, APaymentAndItsTimeOutMayCross) {
  belfry::testing::ExpectInEveryOrder([](belfry::testing::World& world) {
    const Checkout checkout(world.dispatcher());
    world.dispatcher().Publish(OrderPlaced{{1}});
    world.dispatcher().PublishAfter(std::chrono::seconds(30), PaymentReceived{{1}});
    world.RunFor(std::chrono::seconds(30));
    EXPECT_EQ(Count<OrderShipped>(world) + Count<OrderCancelled>(world), 1);
  });
}
