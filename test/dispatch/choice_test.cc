// Which events a listener gets: filters, once, and the life of an owner.

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Order {
  int total = 0;
};
struct Bill {
  std::string text;  // no bytes: goes the long way
  int total = 0;
};

class ChoiceTest : public ModeTest {
 protected:
  ListenerStats StatsOfListener(const Subscription& listener) {
    for (const ListenerStats& stats : dispatcher->GetStats().listeners) {
      if (stats.id == listener.id()) return stats;
    }
    return {.event_type = EventTypeOf<Order>()};
  }
  ListenerOptions With(EventFilter filter) {
    ListenerOptions options = Options();
    options.filter = std::move(filter);
    return options;
  }
  ListenerOptions Once() {
    ListenerOptions options = Options();
    options.once = true;
    return options;
  }
  ListenerOptions OwnedBy(const std::shared_ptr<const void>& owner) {
    ListenerOptions options = Options();
    options.owner = owner;
    return options;
  }
};
BELFRY_IN_EVERY_MODE(ChoiceTest);

// --- Filters ---

TEST_P(ChoiceTest, AListenerGetsWhatItsFilterWantsAndTheRestIsCounted) {
  std::vector<int> large;
  std::vector<int> all;
  const Subscription some =
      dispatcher->Subscribe([&](const Order& order) { large.push_back(order.total); },
                            With([](const Order& order) { return order.total > 10; }));
  const Subscription every =
      dispatcher->Subscribe([&](const Order& order) { all.push_back(order.total); }, Options());
  for (const int total : {5, 50, 7, 70}) ASSERT_TRUE(dispatcher->Publish(Order{total}));
  Settle();
  EXPECT_EQ(large, (std::vector{50, 70}));
  EXPECT_EQ(all, (std::vector{5, 50, 7, 70}));
  EXPECT_EQ(StatsOfListener(some).deliveries.handled, 2U);
  EXPECT_EQ(StatsOfListener(some).deliveries.filtered, 2U);
  EXPECT_EQ(StatsOfListener(every).deliveries.filtered, 0U);
}

TEST_P(ChoiceTest, AFilterSeesEventsOnTheHeapAndTheListenerItsContext) {
  std::vector<std::string> names;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Bill& bill, Context& context) {
        names.push_back(bill.text + " to " + std::string(context.listener_name()));
      },
      {.name = "audit", .run = Options().run, .filter = [](const Bill& bill) {
         return bill.total > 10;
       }});
  ASSERT_TRUE(dispatcher->Publish(Bill{"small", 1}));
  ASSERT_TRUE(dispatcher->Publish(Bill{"large", 11}));
  Settle();
  EXPECT_EQ(names, (std::vector<std::string>{"large to audit"}));
}

TEST_P(ChoiceTest, E1_WhatAFilterThrowsIsTheListenersFailure) {
  int calls = 0;
  std::string told;
  const Subscription telling =
      dispatcher->Subscribe([&](const ListenerFailed& failed) { told = failed.what; }, Options());
  const Subscription listener =
      dispatcher->Subscribe([&](const Order&) { ++calls; }, With([](const Order& order) -> bool {
                              if (order.total < 0) throw std::domain_error("no such order");
                              return true;
                            }));
  ASSERT_TRUE(dispatcher->Publish(Order{-1}));
  ASSERT_TRUE(dispatcher->Publish(Order{1}));
  Settle();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(told, "no such order");
  EXPECT_EQ(StatsOfListener(listener).deliveries.dead, 1U);
}

TEST_P(ChoiceTest, AFilterForAnotherEventIsRefusedNamingBoth) {
  const Subscription listener =
      dispatcher->Subscribe([](const Order&) {}, With([](const Bill&) { return true; }));
  EXPECT_FALSE(listener);
  EXPECT_EQ(listener.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string why(listener.status().message());
  EXPECT_NE(why.find("Bill"), std::string::npos) << why;
  EXPECT_NE(why.find("Order"), std::string::npos) << why;
}

TEST_P(ChoiceTest, WhoAsksWhatBecameOfAnEventIsToldThatItWasFiltered) {
  const Subscription listener =
      dispatcher->Subscribe([](const Order&) {}, With([](const Order&) { return false; }));
  const Completion<PublishOutcome> told = dispatcher->PublishTracked(Order{});
  Settle();
  ASSERT_TRUE(told.finished());
  ASSERT_EQ(told.Wait().deliveries.size(), 1U);
  EXPECT_EQ(told.Wait().deliveries[0].kind, DeliveryOutcome::Kind::kFiltered);
}

TEST_P(ChoiceTest, X4_AReplacedCallableKeepsTheFilter) {
  std::vector<int> got;
  Subscription listener =
      dispatcher->Subscribe([&](const Order& order) { got.push_back(order.total); },
                            With([](const Order& order) { return order.total > 10; }));
  ASSERT_TRUE(dispatcher->Publish(Order{11}));
  Settle();
  EXPECT_EQ(listener.Replace([&](const Order& order) { got.push_back(-order.total); }),
            ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Order{1}));
  ASSERT_TRUE(dispatcher->Publish(Order{12}));
  Settle();
  EXPECT_EQ(got, (std::vector{11, -12}));
}

TEST_P(ChoiceTest, X2_AResetDestroysTheFilterToo) {
  auto captured = std::make_shared<int>();
  const std::weak_ptr<int> seen = captured;
  Subscription listener = dispatcher->Subscribe(
      [](const Order&) {}, With([captured = std::move(captured)](const Order&) { return true; }));
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_FALSE(seen.expired());
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_TRUE(seen.expired());
}

// --- Once ---

TEST_P(ChoiceTest, AListenerForOnceGetsTheFirstEventAndEnds) {
  int calls = 0;
  auto captured = std::make_shared<int>();
  const std::weak_ptr<int> seen = captured;
  Subscription listener = dispatcher->Subscribe(
      [&, captured = std::move(captured)](const Order& order) { calls += order.total; }, Once());
  for (const int total : {1, 10, 100}) ASSERT_TRUE(dispatcher->Publish(Order{total}));
  Settle();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(seen.expired());
  EXPECT_TRUE(dispatcher->ListenerNames(EventTypeOf<Order>()).empty());
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
}

TEST_P(ChoiceTest, WithAFilterOnceMeansTheFirstThatItWants) {
  std::vector<int> got;
  ListenerOptions options = Once();
  options.filter = [](const Order& order) { return order.total > 10; };
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order& order) { got.push_back(order.total); }, std::move(options));
  for (const int total : {1, 20, 30}) ASSERT_TRUE(dispatcher->Publish(Order{total}));
  Settle();
  EXPECT_EQ(got, (std::vector{20}));
}

TEST_P(ChoiceTest, HoweverManyPublishAtOnceAListenerForOnceIsCalledOnce) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> calls{0};
    Subscription listener = dispatcher->Subscribe([&](const Order&) { ++calls; }, Once());
    PublishFromThreads(4, 20, [](int, int number) { return Order{number}; });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  }
}

TEST_P(ChoiceTest, AListenerForOnceThatPublishesItsOwnEventIsNotCalledAgain) {
  int calls = 0;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) {
        ++calls;
        EXPECT_TRUE(dispatcher->Publish(Order{}));
      },
      Once());
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(ChoiceTest, AListenerForOnceMayEndItselfAndMayFail) {
  Subscription listener;
  listener = dispatcher->Subscribe(
      [&](const Order&) {
        EXPECT_EQ(listener.Reset(), ResetResult::kDeferred);
        throw std::runtime_error("burnt");
      },
      Once());
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_EQ(StatsOf<Order>().deliveries.dead, 1U);
  EXPECT_TRUE(dispatcher->ListenerNames(EventTypeOf<Order>()).empty());
}

// --- Owners ---

TEST_P(ChoiceTest, X3_AnOwnerLivesForTheLengthOfACall) {
  auto owner = std::make_shared<int>(7);
  const std::weak_ptr<int> seen = owner;
  bool alive = false;
  ListenerOptions options = OwnedBy(owner);
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) {
        owner.reset();
        alive = !seen.expired();
      },
      std::move(options));
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_TRUE(alive);
  EXPECT_TRUE(seen.expired());
}

TEST_P(ChoiceTest, X3_AListenerWhoseOwnerIsGoneIsNotCalledAndEnds) {
  auto owner = std::make_shared<int>(7);
  int calls = 0;
  Subscription listener = dispatcher->Subscribe([&](const Order&) { ++calls; }, OwnedBy(owner));
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  owner.reset();
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(dispatcher->ListenerNames(EventTypeOf<Order>()).empty());
  EXPECT_EQ(StatsOf<Order>().deliveries.filtered, 1U);
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
}

TEST_P(ChoiceTest, X3_MembersOfAnOwnerListenForAsLongAsItLives) {
  struct Kitchen {
    int total = 0;
    std::string heard;
    void OnOrder(const Order& order) { total += order.total; }
    absl::Status OnBill(const Bill& bill, Context& context) {
      heard = bill.text + " to " + std::string(context.listener_name());
      return absl::OkStatus();
    }
  };
  auto kitchen = std::make_shared<Kitchen>();
  const Subscription orders = dispatcher->Subscribe(kitchen, &Kitchen::OnOrder, Options());
  const Subscription bills = dispatcher->Subscribe(kitchen, &Kitchen::OnBill, Options("till"));
  ASSERT_TRUE(dispatcher->Publish(Order{3}));
  ASSERT_TRUE(dispatcher->Publish(Bill{"pizza", 9}));
  Settle();
  EXPECT_EQ(kitchen->total, 3);
  EXPECT_EQ(kitchen->heard, "pizza to till");
  kitchen.reset();
  ASSERT_TRUE(dispatcher->Publish(Order{3}));
  Settle();
  EXPECT_EQ(StatsOf<Order>().deliveries.filtered, 1U);
}

// The owner's members are what its listener uses, and the subscription is one of them.
TEST_P(ChoiceTest, X3_AnOwnerThatHoldsTheSubscriptionMayEndOnWhateverThread) {
  struct Window {
    std::atomic<int> moves{0};
    Subscription listener;
  };
  for (int round = 0; round < 100; ++round) {
    auto window = std::make_shared<Window>();
    window->listener = dispatcher->Subscribe([raw = window.get()](const Order&) { ++raw->moves; },
                                             OwnedBy(window));
    std::thread publishing([&] {
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(dispatcher->Publish(Order{}));
    });
    window.reset();
    publishing.join();
    Settle();
  }
}

}  // namespace
}  // namespace belfry
