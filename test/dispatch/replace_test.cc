// X4: one callable takes the place of another, and no event is lost or handled twice.

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"
#include "sync/sync.h"

namespace belfry {
namespace {

struct Baked {
  int baker = 0;
  int number = 0;
};
struct Burnt {};

class ReplaceTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(ReplaceTest);

TEST_P(ReplaceTest, X4_KeepsIdNameAndCounters) {
  int before = 0;
  int after = 0;
  Subscription listener = dispatcher->Subscribe([&](const Baked&) { ++before; }, Options("oven"));
  const ListenerId id = listener.id();
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(listener.Replace([&, more = std::string("x")](const Baked&) { ++after; }),
            ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(before, 1);
  EXPECT_EQ(after, 2);
  EXPECT_EQ(listener.id(), id);
  const ListenerStats stats = OnlyListener();
  EXPECT_EQ(stats.id, id);
  EXPECT_EQ(stats.name, "oven");
  EXPECT_EQ(stats.deliveries.handled, 3U);
}

TEST_P(ReplaceTest, X4_TheFormerCallableIsDestroyedWhenReplaceReturns) {
  auto former = std::make_shared<int>(1);
  auto next = std::make_shared<int>(2);
  Subscription listener = dispatcher->Subscribe([former](const Baked&) {}, Options());
  ASSERT_EQ(former.use_count(), 2);
  EXPECT_EQ(listener.Replace([next](const Baked&) {}), ReplaceResult::kDone);
  EXPECT_EQ(former.use_count(), 1);
  EXPECT_EQ(next.use_count(), 2);
  listener.Reset();
  EXPECT_EQ(next.use_count(), 1);
}

TEST_P(ReplaceTest, X4_WhatThrowsWhileItIsMovedChangesNothing) {
  struct Throwing {
    Throwing() = default;
    Throwing(const Throwing&) = default;
    Throwing(Throwing&& other) : moves(other.moves + 1) {
      if (moves > 1) throw std::runtime_error("stuck");
    }
    void operator()(const Baked&) const {}
    int moves = 0;
  };
  int calls = 0;
  Subscription listener = dispatcher->Subscribe([&](const Baked&) { ++calls; }, Options());
  EXPECT_THROW(listener.Replace(Throwing{}), std::runtime_error);
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(ReplaceTest, AReplacementMayTakeAContextWhereTheFormerTookNone) {
  std::string name;
  Subscription listener = dispatcher->Subscribe([](const Baked&) {}, Options("oven"));
  EXPECT_EQ(listener.Replace([&](const Baked&, Context& context) {
    name = context.listener_name();
    EXPECT_TRUE(context.envelope().id());
  }),
            ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(name, "oven");
  EXPECT_EQ(listener.Replace([&](const Baked&) { name = "no more"; }), ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(name, "no more");
}

TEST_P(ReplaceTest, AnEmptySubscriptionOrAClosedDispatcherHasNothingToReplace) {
  Subscription none;
  EXPECT_EQ(none.Replace([](const Baked&) {}), ReplaceResult::kClosed);
  Subscription listener = dispatcher->Subscribe([](const Baked&) {}, Options());
  ASSERT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  auto next = std::make_shared<int>(2);
  EXPECT_EQ(listener.Replace([next](const Baked&) {}), ReplaceResult::kClosed);
  EXPECT_EQ(next.use_count(), 1);
}

TEST_P(ReplaceTest, ACallableForAnotherEventIsABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  Subscription listener = dispatcher->Subscribe([](const Baked&) {}, Options("oven"));
  EXPECT_DEATH(listener.Replace([](const Burnt&) {}),
               "listener \"oven\" gets .*Baked.*, the callable .* takes .*Burnt");
}

TEST_P(ReplaceTest, X4_WhatWasReplacedInsideOneDeliveryEndsWithItTheOthersToo) {
  std::vector<std::weak_ptr<int>> former;
  std::vector<Subscription> others;
  const Subscription replacing = dispatcher->Subscribe(
      [&](const Baked& e) {
        if (e.number == 0) return;
        for (Subscription& other : others) other.Replace([](const Baked&) {});
      },
      Options());
  for (int i = 0; i < 3; ++i) {
    auto captured = std::make_shared<int>(i);
    former.emplace_back(captured);
    others.push_back(
        dispatcher->Subscribe([captured = std::move(captured)](const Baked&) {}, Options()));
  }
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Baked{0, i}));
    Settle();
  }
  for (const std::weak_ptr<int>& each : former) EXPECT_TRUE(each.expired());
}

// Puts one more callable in its own place when it goes.
struct Heir {
  std::function<void()> go;
  explicit Heir(std::function<void()> f) : go(std::move(f)) {}
  Heir(Heir&& other) noexcept : go(std::exchange(other.go, nullptr)) {}
  Heir& operator=(Heir&&) = delete;
  ~Heir() {
    if (go) go();
  }
};

TEST_P(ReplaceTest, X4_WhoIsReplacedMayReplaceItsSuccessor) {
  int second = 0;
  int third = 0;
  ReplaceResult inner{};
  Subscription listener;
  const auto go = [&] { inner = listener.Replace([&](const Baked&) { ++third; }); };
  listener = dispatcher->Subscribe([heir = Heir(go)](const Baked&) {}, Options());
  EXPECT_EQ(listener.Replace([&](const Baked&) { ++second; }), ReplaceResult::kDone);
  EXPECT_NE(inner, ReplaceResult::kClosed);
  ASSERT_TRUE(dispatcher->Publish(Baked{}));
  Settle();
  EXPECT_EQ(second, 0);
  EXPECT_EQ(third, 1);
}

// Each event once, in the order of its publisher, by one of the callables.
TEST_P(ReplaceTest, X4_UnderFireEachEventIsHandledExactlyOnce) {
  constexpr int kEvents = 20'000;
  constexpr int kBakers = 2;
  std::vector<std::atomic<int>> handled(kEvents * kBakers);
  std::atomic<bool> done{false};
  const auto count = [&](const Baked& baked) {
    handled[static_cast<std::size_t>(baked.baker * kEvents + baked.number)].fetch_add(1);
  };
  const auto count_too = [count, more = std::string("of another type")](const Baked& baked) {
    if (!more.empty()) count(baked);
  };
  Subscription listener = dispatcher->Subscribe(count, Options());
  int replaced = 0;
  std::thread replacing([&] {
    do {
      const ReplaceResult result =
          replaced % 2 == 0 ? listener.Replace(count_too) : listener.Replace(count);
      EXPECT_EQ(result, ReplaceResult::kDone);
      ++replaced;
      std::this_thread::yield();
    } while (!done);
  });
  PublishFromThreads(kBakers, kEvents, [](int baker, int number) { return Baked{baker, number}; });
  done = true;
  replacing.join();
  for (const std::atomic<int>& times : handled) ASSERT_EQ(times, 1);
  EXPECT_EQ(OnlyListener().deliveries.handled, static_cast<std::uint64_t>(kEvents * kBakers));
}

TEST_P(ReplaceTest, X4_ReplaceWaitsForTheDeliveryThatRuns) {
  if (!threaded() && mode() != Mode::kInline) GTEST_SKIP() << "nobody else runs";
  std::atomic<bool> inside{false};
  std::atomic<bool> go{false};
  std::atomic<bool> left{false};
  Subscription listener = dispatcher->Subscribe(
      [&](const Baked&) {
        inside = true;
        while (!go) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        left = true;
      },
      Options());
  std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Baked{})); });
  while (!inside) std::this_thread::yield();
  std::thread opener([&] { go = true; });
  EXPECT_EQ(listener.Replace([](const Baked&) {}), ReplaceResult::kDone);
  EXPECT_TRUE(left);
  opener.join();
  publisher.join();
}

TEST_P(ReplaceTest, X2_AResetWaitsForTheCallableThatTookOver) {
  if (!threaded() && mode() != Mode::kInline) GTEST_SKIP() << "nobody else runs";
  Gate inside;
  Gate go_on;
  std::atomic<bool> left{false};
  Subscription listener = dispatcher->Subscribe([](const Baked&) {}, Options());
  EXPECT_EQ(listener.Replace([&](const Baked&) {
    inside.Open();
    go_on.Wait();
    left = true;
  }),
            ReplaceResult::kDone);
  std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Baked{})); });
  inside.Wait();
  EXPECT_EQ(OnlyListener().deliveries.running, 1U);
  std::thread opener([&] {
    EXPECT_TRUE(Eventually([&] { return dispatcher->GetStats().listeners.empty(); }));
    go_on.Open();
  });
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_TRUE(left);
  opener.join();
  publisher.join();
}

// A callable has nothing to do with those who publish after it was replaced.
TEST_P(ReplaceTest, X4_ReplaceDoesNotWaitForDeliveriesToTheNextCallable) {
  if (mode() != Mode::kInline) GTEST_SKIP() << "elsewhere a listener runs once at a time";
  if (!sync::HeavyBarrier()) GTEST_SKIP() << "without one it waits for all passes over its type";
  struct Stand {
    std::atomic<bool> first{true};
    Gate reached;
    Gate go_on;
    void Pass() {  // the first one waits
      if (!first.exchange(false)) return;
      reached.Open();
      go_on.Wait();
    }
  };
  Stand former;
  Stand next;
  Gate replaced;
  Subscription listener = dispatcher->Subscribe([&](const Baked&) { former.Pass(); }, Options());
  std::thread early([&] { EXPECT_TRUE(dispatcher->Publish(Baked{})); });
  former.reached.Wait();
  std::thread replacing([&] {
    EXPECT_EQ(listener.Replace([&](const Baked&) { next.Pass(); }), ReplaceResult::kDone);
    replaced.Open();
  });
  std::thread late([&] {
    EXPECT_TRUE(Eventually([&] { return dispatcher->Publish(Baked{}) && next.reached.open(); }));
  });
  next.reached.Wait();
  former.go_on.Open();
  replaced.Wait();
  next.go_on.Open();
  for (std::thread* thread : {&early, &replacing, &late}) thread->join();
}

}  // namespace
}  // namespace belfry
