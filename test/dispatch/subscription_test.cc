// What a subscription can do beside end: mute its listener, and lie in a bag with others.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/subscription_bag.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Rung {
  int number = 0;
};

class SubscriptionTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(SubscriptionTest);

TEST_P(SubscriptionTest, AMutedListenerIsPassedOverAndThatIsCounted) {
  std::vector<int> heard;
  int others = 0;
  Subscription muted =
      dispatcher->Subscribe([&](const Rung& rung) { heard.push_back(rung.number); }, Options());
  Subscription other = dispatcher->Subscribe([&](const Rung&) { ++others; }, Options());
  for (int number = 1; number <= 5; ++number) {
    if (number == 2) muted.Mute();
    if (number == 4) muted.Unmute();
    ASSERT_TRUE(dispatcher->Publish(Rung{number}));
    Settle();
  }
  EXPECT_EQ(heard, (std::vector{1, 4, 5}));
  EXPECT_EQ(others, 5);
  const DeliveryCounts counts = dispatcher->GetStats().listeners.at(0).deliveries;
  EXPECT_EQ(counts.offered, 5U);
  EXPECT_EQ(counts.handled, 3U);
  EXPECT_EQ(counts.filtered, 2U);
  EXPECT_EQ(StatsOf<Rung>().deliveries.filtered, 2U);
  EXPECT_EQ(StatsOf<Rung>().deliveries.handled, 8U);
}

TEST_P(SubscriptionTest, AnEarlierListenerMayMuteALaterOneOfTheSameEvent) {
  if (threaded()) GTEST_SKIP() << "there is no order between them";
  int calls = 0;
  Subscription second;
  Subscription first = dispatcher->Subscribe([&](const Rung&) { second.Mute(); }, Options());
  second = dispatcher->Subscribe([&](const Rung&) { ++calls; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  // Inline listeners have no order; of these two the first was asked first.
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(StatsOf<Rung>().deliveries.filtered, 1U);
}

TEST_P(SubscriptionTest, AMutedListenerThatIsReplacedStaysMuted) {
  int calls = 0;
  Subscription listener = dispatcher->Subscribe([&](const Rung&) { ++calls; }, Options());
  listener.Mute();
  EXPECT_EQ(listener.Replace([&, more = 1](const Rung&) { calls += more; }), ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(calls, 0);
  listener.Unmute();
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(SubscriptionTest, MutingAndResettingInAnyOrderLeavesTheOthersAlone) {
  std::atomic<int> calls = 0;
  Subscription other = dispatcher->Subscribe([&](const Rung&) { ++calls; }, Options());
  {
    Subscription muted = dispatcher->Subscribe([](const Rung&) { FAIL(); }, Options());
    muted.Mute();
  }
  Subscription late = dispatcher->Subscribe([&](const Rung&) { ++calls; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(calls, 2);
  Subscription empty;
  empty.Mute();
  empty.Unmute();
}

TEST_P(SubscriptionTest, UnderFireEachEventIsHandledOrFiltered) {
  std::atomic<std::uint64_t> calls{0};
  std::atomic<bool> done{false};
  Subscription listener = dispatcher->Subscribe([&](const Rung&) { ++calls; }, Options());
  std::thread muting([&] {
    while (!done) {
      listener.Mute();
      std::this_thread::yield();
      listener.Unmute();
      std::this_thread::yield();
    }
  });
  PublishFromThreads(2, 10'000, [](int, int number) { return Rung{number}; });
  done = true;
  muting.join();
  const DeliveryCounts counts = dispatcher->GetStats().listeners.at(0).deliveries;
  EXPECT_EQ(counts.handled, calls);
  EXPECT_EQ(counts.handled + counts.filtered, 20'000U);
}

TEST_P(SubscriptionTest, ABagEndsAllOfThemTheLatestFirst) {
  struct Says {
    Says(std::vector<int>* names, int own) : order(names), name(own) {}
    ~Says() { order->push_back(name); }
    std::vector<int>* order;
    int name;
  };
  std::vector<int> order;
  std::atomic<int> calls = 0;
  SubscriptionBag bag;
  for (int name = 1; name <= 3; ++name) {
    auto says = std::make_shared<Says>(&order, name);
    bag += dispatcher->Subscribe([&calls, says = std::move(says)](const Rung&) { ++calls; },
                                 Options());
  }
  EXPECT_EQ(bag.size(), 3U);
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(bag.Reset(), ResetResult::kDone);
  EXPECT_TRUE(bag.empty());
  EXPECT_EQ(order, (std::vector{3, 2, 1}));
}

TEST_P(SubscriptionTest, ABagIsMovedAndAssignedLikeASubscription) {
  int calls = 0;
  SubscriptionBag first;
  first += dispatcher->Subscribe([&](const Rung&) { ++calls; }, Options());
  SubscriptionBag second;
  second +=
      dispatcher->Subscribe([](const Rung&) { FAIL() << "reset by the assignment"; }, Options());
  second = std::move(first);
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(calls, 1);
  second.Detach();
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(SubscriptionTest, ABagRemembersWhyASubscriptionWasRefused) {
  SubscriptionBag bag;
  EXPECT_TRUE(bag.status().ok());
  bag += dispatcher->Subscribe([](const Rung&) {}, {.name = "bad\nname"});
  bag += dispatcher->Subscribe([](const Rung&) {}, Options());
  EXPECT_EQ(bag.size(), 1U);
  EXPECT_EQ(bag.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(SubscriptionTest, ABagResetInsideOneOfItsListenersSaysThatOneIsDeferred) {
  SubscriptionBag bag;
  ResetResult result{};
  bag += dispatcher->Subscribe([&](const Rung&) { result = bag.Reset(); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(result, ResetResult::kDeferred);
}

// What a callable holds may use the bag in which its own subscription lies, when it is destroyed.
TEST_P(SubscriptionTest, ABagMayBeUsedByWhatItsEndDestroys) {
  struct UsesBag {
    explicit UsesBag(std::function<void()> f) : use(std::move(f)) {}
    ~UsesBag() { use(); }
    std::function<void()> use;
  };
  const auto subscribe = [&](std::function<void()> use) {
    return dispatcher->Subscribe([uses = std::make_shared<UsesBag>(std::move(use))](const Rung&) {},
                                 Options());
  };
  using End = void (*)(SubscriptionBag&);
  const End ends[] = {[](SubscriptionBag& bag) { bag.Detach(); },
                      [](SubscriptionBag& bag) { static_cast<void>(bag.Reset()); }};
  for (const End outer : ends) {
    for (const End inner : ends) {
      for (const int more : {0, 2}) {
        SubscriptionBag bag;
        int added = 0;
        for (int i = 0; i < 3; ++i) {
          bag += subscribe([&] {
            inner(bag);
            if (added == more) return;
            ++added;
            bag += dispatcher->Subscribe([](const Rung&) {}, Options());
          });
        }
        outer(bag);
        ASSERT_EQ(bag.size(), 0U);
        EXPECT_EQ(added, more);
        EXPECT_TRUE(dispatcher->GetStats().listeners.empty());
      }
    }
  }
}

}  // namespace
}  // namespace belfry
