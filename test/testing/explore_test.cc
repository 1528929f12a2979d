// Every order in which deliveries could have come.

#include "belfry/testing/explore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include <gtest/gtest-spi.h>

namespace belfry::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;
using Reach = ExploreReport::Reach;

struct Note {
  int number = 0;
};

// The listeners a, b, ... write down who is called; each gets so many notes.
struct Writers {
  Writers(World& world, int listeners, int notes) {
    for (int i = 0; i < listeners; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      kept.push_back(world.dispatcher().Subscribe([this, name](const Note&) { order += name; },
                                                  {.name = name}));
    }
    for (int i = 0; i < notes; ++i) EXPECT_TRUE(world.dispatcher().Publish(Note{i}));
  }

  std::string order;
  std::vector<Subscription> kept;
};

// The different orders of so many writers, and how they were come by.
std::set<std::string> OrdersOf(const ExploreOptions& options, int listeners, int notes,
                               ExploreReport& report) {
  std::set<std::string> orders;
  report = Explore(options, [&](World& world) {
    Writers writers(world, listeners, notes);
    world.Run();
    orders.insert(writers.order);
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  return orders;
}

TEST(ExploreTest, EveryOrderIsRun) {
  ExploreReport report;
  EXPECT_THAT(OrdersOf({}, 3, 1, report),
              UnorderedElementsAre("abc", "acb", "bac", "bca", "cab", "cba"));
  EXPECT_EQ(report.reach, Reach::kComplete);
  // Each has its notes in order: 6! / (2! * 2! * 2!).
  EXPECT_EQ(OrdersOf({}, 3, 2, report).size(), 90U);
  EXPECT_EQ(report.reach, Reach::kComplete);
  EXPECT_EQ(OrdersOf({}, 2, 4, report).size(), 70U) << "8! / (4! * 4!)";
}

TEST(ExploreTest, OfIndependentListenersOneOrderIsRun) {
  ExploreReport report;
  const ExploreOptions all{.independent = {{"a", "b"}, {"a", "c"}, {"b", "c"}}};
  OrdersOf(all, 3, 1, report);
  EXPECT_EQ(report.schedules - report.redundant, 1U) << report.Describe();
  EXPECT_EQ(report.reach, Reach::kCompleteUnderIndependence);
  // Each of the two before c or behind it.
  OrdersOf({.independent = {{"a", "b"}}}, 3, 1, report);
  EXPECT_EQ(report.schedules - report.redundant, 4U) << report.Describe();
}

TEST(ExploreTest, WhoIsIndependentOfAllIsNoChoice) {
  ExploreReport report;
  EXPECT_THAT(OrdersOf({.independent_of_all = {"a"}}, 3, 1, report),
              UnorderedElementsAre("abc", "acb"));
  EXPECT_EQ(report.schedules, 2U) << report.Describe();
  EXPECT_THAT(OrdersOf({.independent_of_all = {"b"}}, 3, 1, report),
              UnorderedElementsAre("abc", "cab"))
      << "b comes as soon as it is the first";
  EXPECT_EQ(report.reach, Reach::kCompleteUnderIndependence);
  OrdersOf({.independent_of_all = {"a", "b", "c"}}, 3, 2, report);
  EXPECT_EQ(report.schedules, 1U) << report.Describe();
}

TEST(ExploreTest, OperationsMayBeIndependentByName) {
  const auto schedules = [](const ExploreOptions& options) {
    const ExploreReport report = Explore(options, [](World& world) {
      for (const char* const name : {"the read of x", "the read of y", "the read of z"}) {
        world.FinishLater(name, [] {});
      }
      world.Run();
    });
    EXPECT_EQ(report.reach, Reach::kCompleteUnderIndependence);
    return report.schedules - report.redundant;
  };
  EXPECT_EQ(schedules({.independent = {{"the read of x", "the read of y"}}}), 4U);
  EXPECT_EQ(schedules({.independent_of_all = {"the read of x"}}), 2U);
}

TEST(ExploreTest, WhatDependsIsFoundBesideWhatIsIndependent) {
  const ExploreReport report = Explore({.independent = {{"a", "b"}, {"b", "c"}}}, [](World& world) {
    Writers writers(world, 3, 2);
    world.Run();
    EXPECT_LT(writers.order.find("a"), writers.order.rfind("c"));
  });
  ASSERT_FALSE(report.ok()) << "of the two c before the two a there is one order that counts";
}

TEST(ExploreTest, FaultsThatMayHappenDoAndDoNot) {
  std::set<std::string> seen;
  const ExploreOptions options{.world = {.tolerated = {.failures = true}}};
  const ExploreReport report = Explore(options, [&](World& world) {
    world.faults().MayFail("a", 1, absl::UnavailableError("not now"));
    world.faults().MayDuplicate("b", 1);
    Writers writers(world, 2, 1);
    world.Run();
    seen.insert(writers.order);
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_THAT(seen, UnorderedElementsAre("ab", "ba", "b", "bb", "abb", "bba"));
}

TEST(ExploreTest, OperationsWithoutALatencyEndInAnyOrder) {
  std::set<std::string> seen;
  const ExploreReport report = Explore({}, [&](World& world) {
    std::string order;
    for (const char* const name : {"x", "y"}) {
      world.FinishLater(name, [&order, name] { order += name; });
    }
    world.FinishLater("z", seconds(1), [&order] { order += "z"; });
    world.RunFor(seconds(2));
    seen.insert(order);
  });
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(seen, UnorderedElementsAre("xyz", "yxz"));
}

TEST(ExploreTest, ATimerComesBeforeWhatIsReadyOnlyWhereDeliveriesMayBeLate) {
  const auto orders = [](Nanoseconds late_by) {
    std::set<std::string> seen;
    const ExploreReport report = Explore({.world = {.late_by = late_by}}, [&](World& world) {
      Writers writers(world, 1, 1);
      world.timers().RunAfter(seconds(30), [&] { writers.order += "t"; });
      world.RunFor(seconds(60));
      seen.insert(writers.order);
    });
    EXPECT_EQ(report.reach, Reach::kComplete);
    return seen;
  };
  EXPECT_THAT(orders({}), UnorderedElementsAre("at"));
  EXPECT_THAT(orders(seconds(29)), UnorderedElementsAre("at"));
  EXPECT_THAT(orders(seconds(30)), UnorderedElementsAre("at", "ta"));
}

TEST(ExploreTest, TimersKeepTheirOrder) {
  const ExploreReport report = Explore({.world = {.late_by = seconds(60)}}, [](World& world) {
    std::string order;
    world.timers().RunAfter(seconds(2), [&] { order += "2"; });
    world.timers().RunAfter(seconds(1), [&] { order += "1"; });
    world.timers().RunAfter(seconds(2), [&] { order += "3"; });
    world.RunFor(seconds(5));
    EXPECT_EQ(order, "123");
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
}

TEST(ExploreTest, ByChanceTheSameSeedGivesTheSameSchedules) {
  for (const Strategy strategy : {Strategy::kRandom, Strategy::kPct}) {
    const auto orders = [&](std::uint64_t seed) {
      std::vector<std::string> all;
      Explore({.strategy = strategy, .schedules_max = 20, .seed = seed}, [&](World& world) {
        Writers writers(world, 3, 3);
        world.Run();
        all.push_back(writers.order);
      });
      return all;
    };
    const std::vector<std::string> all = orders(1);
    EXPECT_EQ(all, orders(1));
    EXPECT_NE(all, orders(1'000));
    EXPECT_GT(std::set<std::string>(all.begin(), all.end()).size(), 10U) << "of 20";
  }
}

// --- Budgets, and scenarios that misbehave ---

TEST(ExploreTest, ItSaysWhenTheBudgetIsUsedUp) {
  ExploreReport report;
  OrdersOf({.schedules_max = 50}, 4, 4, report);
  EXPECT_EQ(report.reach, Reach::kBudget);
  EXPECT_EQ(report.schedules, 50U);
  EXPECT_THAT(report.Describe(), HasSubstr("not complete: 50 schedules"));
  OrdersOf({.time_max = std::chrono::nanoseconds(1)}, 4, 4, report);
  EXPECT_EQ(report.reach, Reach::kBudget);
}

TEST(ExploreTest, WhatNeverEndsIsAFailure) {
  const ExploreReport report = Explore({.steps_max = 100}, [](World& world) {
    const Subscription echo =
        world.dispatcher().Subscribe([](const Note& note) { return Note{note.number + 1}; });
    ASSERT_TRUE(world.dispatcher().Publish(Note{}));
    world.Run();
  });
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.failure->what, HasSubstr("after 100 steps it has not ended"));
}

TEST(ExploreTest, AnExceptionIsAFailure) {
  const ExploreReport report =
      Explore({}, [](World&) { throw std::runtime_error("no such table"); });
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.failure->what, HasSubstr("the scenario threw: no such table"));
}

TEST(ExploreTest, WhatAWorldDoesNotTolerateIsAFailure) {
  const ExploreReport report = Explore({}, [](World& world) {
    const Subscription desk = world.dispatcher().Subscribe(
        [](const Note&) { throw std::runtime_error("no ink"); }, {.name = "desk"});
    ASSERT_TRUE(world.dispatcher().Publish(Note{}));
    world.Run();
  });
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.failure->what, HasSubstr("unexpected: listener desk failed on"));
}

TEST(ExploreDeathTest, AScenarioThatDependsOnSomethingElseIsToldTo) {
  int runs = 0;
  EXPECT_DEATH(Explore({},
                       [&](World& world) {
                         Writers writers(world, 2 + ++runs % 2, 1);
                         world.Run();
                       }),
               "the scenario did something else under the same schedule");
}

TEST(ExploreTest, AsAnExpectationItFailsWhereItStands) {
  EXPECT_NONFATAL_FAILURE(ExpectInEveryOrder([](World& world) {
                            Writers writers(world, 2, 1);
                            world.Run();
                            EXPECT_EQ(writers.order, "ab");
                          }),
                          "BELFRY_REPLAY=0:1");
}

TEST(ExploreTest, AReplayStringIsForAWorldWithoutAnExplorerToo) {
  ASSERT_EQ(::setenv("BELFRY_REPLAY", "0:1", 1), 0);
  World world;
  ASSERT_EQ(::unsetenv("BELFRY_REPLAY"), 0);
  Writers writers(world, 2, 1);
  world.Run();
  EXPECT_EQ(writers.order, "ba");
}

}  // namespace
}  // namespace belfry::testing
