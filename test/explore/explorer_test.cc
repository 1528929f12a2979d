// The explorer itself: it counts right, and it says what failed.

#include "explore/explorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "explore/exploring.h"
#include "sync/sync.h"

namespace belfry::explore {
namespace {

using testing::HasSubstr;
using testing::Not;

Bounds EveryOrder() { return {.preemptions = kUnlimited, .delays = 0, .reduce = false}; }

// `threads` threads of `steps` steps each, on objects of their own or on one.
Scenario Steps(int threads, int steps, bool shared) {
  return [=] {
    std::vector<sync::Atomic<int>> counters(static_cast<std::size_t>(threads));
    std::vector<std::function<void()>> bodies;
    for (std::size_t t = 0; t < counters.size(); ++t) {
      bodies.emplace_back([&counter = counters[shared ? 0 : t], steps] {
        for (int i = 0; i < steps; ++i) counter.fetch_add(1);
      });
    }
    Together(bodies);
    EXPLORE_REQUIRE(!shared || counters[0].load() == threads * steps);
  };
}

TEST(ExplorerTest, CountsEveryOrderOfTwoThreadsSteps) {
  // 2k over k.
  for (const auto& [steps, orders] : {std::pair{1, 2U}, {2, 6U}, {3, 20U}, {4, 70U}, {5, 252U}}) {
    const Report report = Explore(EveryOrder(), Steps(2, steps, false));
    EXPECT_TRUE(report.complete);
    EXPECT_EQ(report.schedules, orders) << steps << " steps";
  }
}

TEST(ExplorerTest, CountsEveryOrderOfThreeThreadsSteps) {
  EXPECT_EQ(Explore(EveryOrder(), Steps(3, 1, false)).schedules, 6U);
  EXPECT_EQ(Explore(EveryOrder(), Steps(3, 2, false)).schedules, 90U);     // 6! / 2!^3
  EXPECT_EQ(Explore(EveryOrder(), Steps(3, 3, false)).schedules, 1'680U);  // 9! / 3!^3
}

TEST(ExplorerTest, CountsTheOrdersWithFewPreemptions) {
  // Of AAABBB: none; one: A's or B's three in two pieces with the other's between, or the other one
  // in two; and so on. All orders of three and three steps: 2 + 4 + 8 + 4 + 2.
  Bounds bounds = EveryOrder();
  const std::pair<unsigned, unsigned> expected[] = {{0, 2}, {1, 6}, {2, 14}, {3, 18}, {4, 20}};
  for (const auto& [preemptions, orders] : expected) {
    bounds.preemptions = preemptions;
    const Report report = Explore(bounds, Steps(2, 3, false));
    EXPECT_EQ(report.schedules, orders) << preemptions << " preemptions";
  }
}

TEST(ExplorerTest, IndependentStepsNeedNoOrders) {
  Bounds bounds = EveryOrder();
  bounds.reduce = true;
  // Who begins is decided before anything is known of him.
  EXPECT_EQ(Explore(bounds, Steps(2, 5, false)).schedules, 2U);
  const Report shared = Explore(bounds, Steps(2, 3, true));
  EXPECT_GE(shared.schedules, 20U);  // all conflict: no order is like another
  EXPECT_LE(shared.schedules - shared.redundant, 20U);
}

TEST(ExplorerTest, ThreadsStartedOneByOneAreExploredToo) {
  ExpectSafe([] {
    sync::Atomic<int> done{0};
    sync::Thread first([&] { done.fetch_add(1); });
    sync::Thread second([&] {
      sync::Thread inner([&] { done.fetch_add(1); });
      inner.join();
      done.fetch_add(1);
    });
    first.join();
    second.join();
    EXPLORE_REQUIRE(done.load() == 3);
  });
}

TEST(ExplorerTest, AFailureComesWithItsStepsAndAReplayString) {
  const Scenario scenario = [] {
    sync::Atomic<int> value{0};
    Together({[&] { EXPLORE_REQUIRE(value.load() == 0); }, [&] { value.store(1); }});
  };
  const Report report = Explore({}, scenario);
  ASSERT_TRUE(report.failure.has_value());
  EXPECT_THAT(report.failure->what, HasSubstr("value.load() == 0 (explorer_test.cc:"));
  EXPECT_THAT(report.failure->trace, HasSubstr("store a"));
  EXPECT_THAT(report.failure->trace, HasSubstr("= 0 -> 1"));
  const Report replayed = Replay({}, report.failure->replay, scenario);
  ASSERT_TRUE(replayed.failure.has_value());
  EXPECT_EQ(replayed.failure->trace, report.failure->trace);
  EXPECT_EQ(replayed.schedules, 1U);
}

TEST(ExplorerTest, AReplayStringOfSomethingElseIsRefused) {
  const Scenario scenario = Steps(2, 2, true);
  EXPECT_FALSE(Replay({}, "", scenario).failure.has_value());
  EXPECT_THAT(Replay({}, "nonsense", scenario).failure->what, HasSubstr("not a replay string"));
  EXPECT_THAT(Replay({}, "2t1.", scenario).failure->what, HasSubstr("another"));
  EXPECT_THAT(Replay({}, "900t1", scenario).failure->what, HasSubstr("of another scenario"));
}

TEST(ExplorerTest, WhatDoesNotDependOnTheScheduleAloneIsNoScenario) {
  int runs = 0;
  const Report report = Explore({}, [&runs] {
    sync::Atomic<int> value{0};
    const auto work = [&] { value.fetch_add(1); };
    if (++runs % 2 == 0) {
      Together({work, work});
    } else {
      Together({work, work, work});
    }
  });
  ASSERT_TRUE(report.failure.has_value());
  EXPECT_THAT(report.failure->what, HasSubstr("not the same in every run"));
}

TEST(ExplorerTest, AnExceptionThatLeavesAThreadIsAFailure) {
  ExpectFailure("left a thread: oh", [] { Together({[] { throw std::runtime_error("oh"); }}); });
}

TEST(ExplorerTest, WhatNeverEndsIsAFailure) {
  const Bounds bounds{.steps = 500};
  ExpectFailure(
      "no end after 500 steps",
      [] {
        sync::Atomic<bool> never{false};
        while (!never.load()) {
        }
      },
      bounds);
  ExpectFailure(
      "no end after 500 steps",
      [] {
        sync::Atomic<bool> never{false};
        const auto spin = [&] {
          while (!never.load()) sync::Yield();
        };
        Together({spin, spin});
      },
      bounds);
}

TEST(ExplorerTest, SpinningThreadsThatYieldComeToAnEnd) {
  ExpectSafe([] {
    sync::Atomic<int> turn{0};
    const auto take = [&](int mine) {
      while (turn.load(std::memory_order_acquire) != mine) sync::Yield();
      turn.store(mine + 1, std::memory_order_release);
    };
    Together({[&] { take(2); }, [&] { take(1); }, [&] { take(0); }});
    EXPLORE_REQUIRE(turn.load() == 3);
  });
}

struct SaysWhenItGoes {
  sync::Atomic<int>* counter = nullptr;
  ~SaysWhenItGoes() {
    if (counter != nullptr) counter->fetch_add(1);
  }
};
thread_local SaysWhenItGoes says_when_it_goes;

TEST(ExplorerTest, ThreadLocalObjectsEndBeforeTheirThread) {
  ExpectSafe([] {
    sync::Atomic<int> gone{0};
    const auto use = [&] { says_when_it_goes.counter = &gone; };
    Together({use, use});
    EXPLORE_REQUIRE(gone.load() == 2);
  });
}

TEST(ExplorerTest, AtRandomItRepeatsWhatTheSeedSays) {
  const Scenario scenario = [] {
    sync::Atomic<int> counter{0};
    const auto increment = [&] { counter.store(counter.load() + 1); };
    Together({increment, increment, increment});
    EXPLORE_REQUIRE(counter.load() >= 2);
  };
  const Report report = ExploreByChance({}, 7, std::chrono::hours(1), scenario);
  ASSERT_TRUE(report.failure.has_value());
  const Report again = ExploreByChance({}, 7, std::chrono::hours(1), scenario);
  ASSERT_TRUE(again.failure.has_value());
  EXPECT_EQ(again.failure->replay, report.failure->replay);
  const Report replayed = Replay({}, report.failure->replay, scenario);
  ASSERT_TRUE(replayed.failure.has_value());
  EXPECT_EQ(replayed.failure->trace, report.failure->trace);
}

}  // namespace
}  // namespace belfry::explore
