// X4 inside deliveries: who is replaced there still has a call of his own to come back to.

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Baked {
  int baker = 0;
  int number = 0;
};

class ReplaceInsideTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(ReplaceInsideTest);

TEST_P(ReplaceInsideTest, X4_FromInsideItsOwnDeliveryTheFormerCallableEndsLater) {
  auto former = std::make_shared<int>(1);
  int after = 0;
  Subscription listener;
  ReplaceResult result{};
  listener = dispatcher->Subscribe(
      [&, former](const Baked&) {
        result = listener.Replace([&](const Baked&) { ++after; });
        EXPECT_EQ(former.use_count(), 2) << "destroyed while it runs";
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(result, ReplaceResult::kDeferred);
  EXPECT_EQ(former.use_count(), 1);
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(after, 1);
}

TEST_P(ReplaceInsideTest, X4_TwiceInOneDeliveryOnlyTheLastOneStays) {
  auto second = std::make_shared<int>(2);
  int third_calls = 0;
  Subscription listener;
  listener = dispatcher->Subscribe(
      [&](const Baked&) {
        listener.Replace([second](const Baked&) { ADD_FAILURE() << "never its turn"; });
        listener.Replace([&](const Baked&) { ++third_calls; });
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(third_calls, 1);
  EXPECT_EQ(second.use_count(), 1);
  listener.Reset();
}

TEST_P(ReplaceInsideTest, X4_ResetAfterADeferredReplaceEndsBoth) {
  auto former = std::make_shared<int>(1);
  auto next = std::make_shared<int>(2);
  Subscription listener;
  ResetResult reset{};
  listener = dispatcher->Subscribe(
      [&, former](const Baked&) {
        listener.Replace([next](const Baked&) {});
        reset = listener.Reset();
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(reset, ResetResult::kDeferred);
  EXPECT_EQ(former.use_count(), 1);
  EXPECT_EQ(next.use_count(), 1);
  EXPECT_TRUE(dispatcher->GetStats().listeners.empty());
}

// A later listener of the same event, whose former callable the pass may not have come to yet.
TEST_P(ReplaceInsideTest, X1_AReplacedListenerThatIsEndedOrMutedBeforeItsTurnIsCalledByNeither) {
  if (threaded()) GTEST_SKIP() << "O5: on a pool it may have had its turn";
  const std::function<void(Subscription&)> ways[] = {
      [](Subscription& later) { later.Detach(); },
      [](Subscription& later) { later.Reset(); },
      [](Subscription& later) { later.Mute(); },
  };
  std::uint64_t ended = 0;
  for (const auto& end : ways) {
    for (const int replacements : {1, 2}) {
      int calls = 0;
      Subscription later;
      const Subscription first = dispatcher->Subscribe(
          [&](const Baked&) {
            for (int i = 0; i < replacements; ++i) {
              static_cast<void>(later.Replace([&](const Baked&) { calls += 100; }));
            }
            end(later);
          },
          Options());
      later = dispatcher->Subscribe([&](const Baked&) { ++calls; }, Options());
      ASSERT_TRUE(dispatcher->Publish(Baked{}));
      Settle();
      EXPECT_EQ(calls, 0);
      later.Reset();
      const DeliveryCounts counts = StatsOf<Baked>().deliveries;
      EXPECT_EQ(counts.cancelled + counts.filtered, ++ended);
      ExpectBalanced();
    }
  }
}

// What is left of the old one while its last delivery runs is nobody else's.
TEST_P(ReplaceInsideTest, X4_WhoFailsAfterItWasReplacedAndDetachedFailsInItsOwnName) {
  if (threaded()) GTEST_SKIP() << "the listener that follows is looked at when all is quiet";
  struct Kind {
    std::function<void()>* act;
    void operator()(const Baked&, Context& context) const {
      const ListenerId id = context.listener();
      (*act)();
      EXPECT_EQ(context.listener(), id);
      EXPECT_EQ(context.listener_name(), "oven");
      throw std::runtime_error("burnt");
    }
  };
  std::vector<std::string> failed;
  const Subscription told = dispatcher->Subscribe(
      [&](const ListenerFailed& e) { failed.push_back(e.listener); }, Options());
  Subscription oven;
  Subscription follower;
  std::function<void()> nothing = [] {};
  std::function<void()> act = [&] {
    static_cast<void>(oven.Replace(Kind{&nothing}));
    oven.Detach();
    follower = dispatcher->Subscribe(Kind{&nothing}, Options("follower"));
  };
  oven = dispatcher->Subscribe(Kind{&act}, Options("oven"));
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(failed, std::vector<std::string>{"oven"});
  const ListenerStats stats = dispatcher->GetStats().listeners.at(1);
  EXPECT_EQ(stats.id, follower.id());
  EXPECT_EQ(stats.deliveries.dead, 0U);
  ExpectBalanced();
}

// The end of the former callable ends the subscription, whose listener nobody holds any more then.
TEST_P(ReplaceInsideTest, X4_WhatAReplaceDestroysMayEndTheSubscription) {
  struct Ends {
    explicit Ends(Subscription& s) : subscription(s) {}
    ~Ends() { subscription.Detach(); }
    Subscription& subscription;
  };
  for (int i = 0; i < 3; ++i) {
    int calls = 0;
    Subscription listener;
    listener = dispatcher->Subscribe([ends = std::make_shared<Ends>(listener)](const Baked&) {},
                                     Options("oven"));
    EXPECT_EQ(listener.Replace([&, more = std::string(100, 'x')](const Baked&) { ++calls; }),
              ReplaceResult::kDone);
    EXPECT_FALSE(listener);
    ASSERT_TRUE(dispatcher->Publish(Baked{}));
    Settle();
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(dispatcher->GetStats().listeners.empty());
  }
}

}  // namespace
}  // namespace belfry
