// X1, X2 and X4: the end of a subscription.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"
#include "sync/sync.h"

namespace belfry {
namespace {

struct Ring {
  int number = 0;
};

class ResetTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(ResetTest);

TEST_P(ResetTest, X1_NothingStartsAfterDetachReturned) {
  std::atomic<int> calls{0};
  Subscription listener = dispatcher->Subscribe([&](const Ring&) { ++calls; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  EXPECT_EQ(calls, 1);
  listener.Detach();
  EXPECT_FALSE(listener);
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  EXPECT_EQ(calls, 1);
}

// Publishes when it is destroyed, unless it was moved from.
class Farewell {
 public:
  struct Said {};
  explicit Farewell(Dispatcher& dispatcher) : dispatcher_(&dispatcher) {}
  Farewell(Farewell&& other) noexcept : dispatcher_(std::exchange(other.dispatcher_, nullptr)) {}
  Farewell& operator=(Farewell&&) = delete;
  ~Farewell() { EXPECT_TRUE(dispatcher_ == nullptr || dispatcher_->Publish(Said{})); }

 private:
  Dispatcher* dispatcher_;
};

TEST_P(ResetTest, X2_ACallableThatPublishesWhenItsDeliveryEndsItIsHeard) {
  struct Heavy {
    std::string text = std::string(100, 'x');
  };
  std::atomic<int> heard{0};
  const Subscription listener =
      dispatcher->Subscribe([&](const Farewell::Said&) { ++heard; }, Options());
  Subscription leaving;
  leaving = dispatcher->Subscribe(
      [&, farewell = Farewell(*dispatcher)](const Heavy&) { leaving.Detach(); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Heavy{}));
  Settle();
  EXPECT_EQ(heard, 1);
}

TEST_P(ResetTest, WhatACallablePublishesAfterItsLastDeliveryWasCausedByNoEvent) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "there it ends inside the publish";
  struct Light {};
  struct Heavy {
    std::string text = std::string(100, 'x');
  };
  std::vector<EventId> causes;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Farewell::Said&, Context& context) {
        causes.push_back(context.envelope().causation_id());
      },
      Options());
  const auto leave_after = [&]<class E>(const E& event) {
    Subscription leaving;
    leaving = dispatcher->Subscribe<E>(
        [&, farewell = Farewell(*dispatcher)](const E&) {
          EXPECT_TRUE(Cause::Current().causation);
          leaving.Detach();
        },
        Options());
    ASSERT_TRUE(dispatcher->Publish(E(event)));
    Settle();
  };
  leave_after(Light{});
  leave_after(Heavy{});
  EXPECT_EQ(causes, (std::vector<EventId>{{}, {}}));
}

TEST_P(ResetTest, X2_ResetDestroysTheCallableAndItsCaptures) {
  auto captured = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = captured;
  Subscription listener =
      dispatcher->Subscribe([captured = std::move(captured)](const Ring&) {}, Options());
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  EXPECT_FALSE(seen.expired());
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_TRUE(seen.expired());
  EXPECT_EQ(listener.Reset(), ResetResult::kDone) << "an empty subscription may be reset again";
}

TEST_P(ResetTest, X2_FromInsideItsOwnDeliveryItIsDeferred) {
  auto captured = std::make_shared<int>(7);
  const std::weak_ptr<int> seen = captured;
  std::atomic<int> calls{0};
  ResetResult result = ResetResult::kDone;
  Subscription listener;
  listener = dispatcher->Subscribe(
      [&, captured = std::move(captured)](const Ring&) {
        ++calls;
        result = listener.Reset();
        EXPECT_EQ(*captured, 7) << "the callable must live while it runs";
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  EXPECT_EQ(result, ResetResult::kDeferred);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(Eventually([&] { return seen.expired(); }));
}

TEST_P(ResetTest, X2_ACallableMayOwnItsOwnSubscription) {
  struct Self {
    std::shared_ptr<Subscription> subscription;
  };
  std::atomic<int> calls{0};
  auto own = std::make_shared<Subscription>();
  const std::weak_ptr<Subscription> seen = own;
  *own = dispatcher->Subscribe(
      [&calls, self = Self{own}](const Ring&) {
        ++calls;
        self.subscription->Detach();
      },
      Options());
  own.reset();
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(Eventually([&] { return seen.expired(); }));
}

TEST_P(ResetTest, ASubscriptionMayOutliveItsDispatcher) {
  Subscription listener = dispatcher->Subscribe([](const Ring&) {}, Options());
  dispatcher.reset();
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
}

TEST_P(ResetTest, AssigningASubscriptionResetsTheOneItHeld) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  Subscription listener = dispatcher->Subscribe([&](const Ring&) { ++first; }, Options());
  listener = dispatcher->Subscribe([&](const Ring&) { ++second; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST_P(ResetTest, X2_AnOuterListenerResetFromANestedDeliveryOfAnotherOneIsDeferred) {
  if (mode() != Mode::kInline) GTEST_SKIP() << "only inline deliveries nest";
  struct Nested {};
  ResetResult result = ResetResult::kDone;
  bool captured_alive = true;
  Subscription outer;
  const Subscription inner =
      dispatcher->Subscribe([&](const Nested&) { result = outer.Reset(); }, Options());
  auto captured = std::make_shared<int>(3);
  const std::weak_ptr<int> seen = captured;
  outer = dispatcher->Subscribe(
      [&, captured = std::move(captured)](const Ring&) {
        EXPECT_TRUE(dispatcher->Publish(Nested{}));
        captured_alive = !seen.expired() && *captured == 3;
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  EXPECT_EQ(result, ResetResult::kDeferred);
  EXPECT_TRUE(captured_alive);
  EXPECT_TRUE(seen.expired()) << "at the latest when the publish that called it ended";
}

class QueuedResetTest : public ModeTest {};
BELFRY_IN_QUEUED_MODES(QueuedResetTest);

TEST_P(QueuedResetTest, X4_QueuedEventsOfAResetListenerAreCancelledAndCounted) {
  Gate started;
  Gate go_on;
  std::atomic<int> calls{0};
  Subscription blocker;
  std::vector<Subscription> blockers;
  if (threaded()) {  // fills all threads of the pool, so that the events stay queued
    struct Block {};
    std::atomic<int> blocked{0};
    const int threads = mode() == Mode::kPool4 ? 4 : 1;
    for (int i = 0; i < threads; ++i) {
      blockers.push_back(dispatcher->Subscribe([&](const Block&) {
        ++blocked;
        go_on.Wait();
      }));
    }
    ASSERT_TRUE(dispatcher->Publish(Block{}));
    ASSERT_TRUE(Eventually([&] { return blocked == threads; }));
  }
  Subscription listener = dispatcher->Subscribe([&](const Ring&) { ++calls; });
  const Subscription other = dispatcher->Subscribe([](const Ring&) {});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(dispatcher->Publish(Ring{i}));
  EXPECT_EQ(StatsOf<Ring>().deliveries.queued, 20U);
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_EQ(StatsOf<Ring>().deliveries.cancelled, 10U);
  go_on.Open();
  Settle();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(StatsOf<Ring>().deliveries.handled, 10U);
}

class WaitingResetTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, WaitingResetTest,
                         testing::Values(Mode::kInline, Mode::kPool1, Mode::kPool4), ModeTestName);

TEST_P(WaitingResetTest, X2_ResetWaitsForADeliveryThatRunsOnAnotherThread) {
  Gate started;
  Gate go_on;
  std::atomic<bool> ended{false};
  Subscription listener = dispatcher->Subscribe(
      [&](const Ring&) {
        started.Open();
        go_on.Wait();
        ended = true;
      },
      Options());
  std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Ring{})); });
  started.Wait();
  std::atomic<bool> returned{false};
  std::thread resetter([&] {
    EXPECT_EQ(listener.Reset(), ResetResult::kDone);
    EXPECT_TRUE(ended);
    returned = true;
  });
  EXPECT_TRUE(Eventually([&] { return dispatcher->GetStats().listeners.empty(); }));
  EXPECT_FALSE(returned);
  go_on.Open();
  resetter.join();
  publisher.join();
}

TEST_P(WaitingResetTest, X2_EachResetWaitsForItsOwnListenerWhateverElseEnds) {
  if (mode() == Mode::kPool1) GTEST_SKIP() << "one thread runs one listener at a time";
  if (mode() == Mode::kInline && !sync::HeavyBarrier()) {
    GTEST_SKIP() << "without a heavy barrier it waits for all passes over its type";
  }
  struct Guest {
    Gate started;
    Gate go_on;
    std::atomic<bool> inside{false};
    std::atomic<bool> gone{false};
    Subscription subscription;
  };
  std::vector<Guest> guests(2);
  for (int i = 0; i < 2; ++i) {
    Guest& guest = guests[static_cast<std::size_t>(i)];
    guest.subscription = dispatcher->Subscribe(
        [&guest, i](const Ring& e) {
          if (e.number != i) return;
          guest.inside = true;
          guest.started.Open();
          guest.go_on.Wait();
          guest.inside = false;
        },
        Options());
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] { EXPECT_TRUE(dispatcher->Publish(Ring{i})); });
    if (mode() == Mode::kInline) guests[static_cast<std::size_t>(i)].started.Wait();
  }
  for (Guest& guest : guests) guest.started.Wait();
  for (Guest& guest : guests) {
    threads.emplace_back([&guest] {
      EXPECT_EQ(guest.subscription.Reset(), ResetResult::kDone);
      EXPECT_FALSE(guest.inside);
      guest.gone = true;
    });
  }
  EXPECT_TRUE(Eventually([&] { return dispatcher->GetStats().listeners.empty(); }));
  guests[0].go_on.Open();
  EXPECT_TRUE(Eventually([&] { return guests[0].gone.load(); }));
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // would be over in this time
  EXPECT_FALSE(guests[1].gone);
  guests[1].go_on.Open();
  for (std::thread& thread : threads) thread.join();
}

TEST_P(WaitingResetTest, X1_DetachDoesNotWait) {
  Gate started;
  Gate go_on;
  auto captured = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = captured;
  Subscription listener = dispatcher->Subscribe(
      [&, captured = std::move(captured)](const Ring&) {
        started.Open();
        go_on.Wait();
      },
      Options());
  std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Ring{})); });
  started.Wait();
  listener.Detach();
  EXPECT_FALSE(seen.expired());
  go_on.Open();
  publisher.join();
  EXPECT_TRUE(Eventually([&] { return seen.expired(); }));
}

TEST_P(WaitingResetTest, X2_AllThatWereDetachedWhileAnotherRanAreDestroyed) {
  Gate started;
  Gate go_on;
  const Subscription running = dispatcher->Subscribe(
      [&](const Ring&) {
        started.Open();
        go_on.Wait();
      },
      Options());
  std::vector<std::weak_ptr<int>> seen;
  std::vector<Subscription> others;
  for (int i = 0; i < 4; ++i) {
    auto captured = std::make_shared<int>(i);
    seen.emplace_back(captured);
    others.push_back(
        dispatcher->Subscribe([captured = std::move(captured)](const Ring&) {}, Options()));
  }
  std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Ring{})); });
  started.Wait();
  for (Subscription& other : others) other.Detach();
  go_on.Open();
  publisher.join();
  for (const std::weak_ptr<int>& each : seen) {
    EXPECT_TRUE(Eventually([&] { return each.expired(); }));
  }
}

}  // namespace
}  // namespace belfry
