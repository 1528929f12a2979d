// A world: one thread, time that stands still, everything recorded.

#include "belfry/testing/world.h"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest-spi.h>

#include "belfry/testing/show.h"
#include "belfry/testing/story.h"

namespace belfry::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Asked {
  int number = 0;
};
struct Answered {
  int number = 0;
};
std::ostream& operator<<(std::ostream& out, const Asked& asked) { return out << asked.number; }

TEST(WorldTest, NothingHappensBeforeItIsToldTo) {
  World world;
  int calls = 0;
  const Subscription desk = world.dispatcher().Subscribe([&](const Asked&) { ++calls; });
  ASSERT_TRUE(world.dispatcher().Publish(Asked{1}));
  ASSERT_TRUE(world.dispatcher().Publish(Asked{2}));
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(world.Step());
  EXPECT_EQ(calls, 1) << "a step is one delivery";
  const RunReport report = world.Run();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(report.steps, 1U);
  EXPECT_THAT(report.waiting, ElementsAre());
  EXPECT_FALSE(world.Step());
}

TEST(WorldTest, TimeGoesOnOnlyWhenItIsToldTo) {
  World world;
  int calls = 0;
  const Subscription desk = world.dispatcher().Subscribe([&](const Asked&) { ++calls; });
  ASSERT_TRUE(world.dispatcher().PublishAfter(seconds(31), Asked{1}).result());
  EXPECT_THAT(world.Run().waiting, ElementsAre("a timer, due in 31s"));
  EXPECT_EQ(world.now(), seconds(0));
  EXPECT_THAT(world.RunFor(seconds(30)).waiting, ElementsAre("a timer, due in 1s"));
  EXPECT_EQ(calls, 0);
  world.RunFor(seconds(1));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(world.now(), seconds(31));
}

TEST(WorldTest, AListenerIsChosenByItsName) {
  World world;
  std::string order;
  const Subscription one =
      world.dispatcher().Subscribe([&](const Asked&) { order += "1"; }, {.name = "one"});
  const Subscription two =
      world.dispatcher().Subscribe([&](const Asked&) { order += "2"; }, {.name = "two"});
  ASSERT_TRUE(world.dispatcher().Publish(Asked{1}));
  EXPECT_TRUE(world.DeliverNext("two"));
  EXPECT_FALSE(world.DeliverNext("two"));
  EXPECT_FALSE(world.DeliverNext("three"));
  world.Run();
  EXPECT_EQ(order, "21");
}

TEST(WorldTest, OperationsEndAsStepsWithTheirCause) {
  World world;
  const Subscription desk = world.dispatcher().Subscribe(
      [&](const Asked& asked) {
        world.FinishLater("an answer", seconds(2), [&world, number = asked.number] {
          world.dispatcher().Publish(Answered{number});
        });
      },
      {.name = "desk"});
  const Subscription guest = world.dispatcher().Subscribe([](const Answered&) {});
  ASSERT_TRUE(world.dispatcher().Publish(Asked{1}));
  EXPECT_THAT(world.Run().waiting, ElementsAre("an answer, due in 2s"));
  world.RunFor(seconds(2));
  const Record record = world.record();
  ASSERT_EQ(record.events.size(), 2U);
  EXPECT_EQ(record.events[1].cause, record.events[0].id);
  EXPECT_EQ(record.events[1].at, seconds(2));
}

TEST(WorldTest, AnOperationThatIsCancelledDoesNotFinish) {
  World world;
  std::string finished;
  const OperationId one = world.FinishLater("one", [&] { finished += "1"; });
  const OperationId two = world.FinishLater("two", seconds(2), [&] { finished += "2"; });
  const TimerId timer = world.timers().RunAfter(seconds(1), [&] { finished += "t"; });
  EXPECT_TRUE(world.Cancel(two));
  EXPECT_FALSE(world.Cancel(two));
  EXPECT_FALSE(world.Cancel(OperationId{}));
  EXPECT_FALSE(world.Cancel(OperationId{timer.number})) << "a timer is no operation";
  EXPECT_THAT(world.waiting(), ElementsAre("one", "a timer, due in 1s"));
  world.RunFor(seconds(3));
  EXPECT_EQ(finished, "1t");
  EXPECT_FALSE(world.Cancel(one)) << "it has finished";
}

TEST(WorldTest, WhoIsMutedOrWhatIsFakedReachesNobody) {
  World world;
  int calls = 0;
  const Subscription mail =
      world.dispatcher().Subscribe([&](const Asked&) { ++calls; }, {.name = "mail.welcome"});
  const Subscription other = world.dispatcher().Subscribe([&](const Answered&) { ++calls; });
  world.Mute("mail.welcome");
  world.Fake<Answered>();
  ASSERT_TRUE(world.dispatcher().Publish(Asked{1}));
  ASSERT_TRUE(world.dispatcher().Publish(Answered{1}));
  world.Run();
  EXPECT_EQ(calls, 0);
  const Record record = world.record();
  EXPECT_EQ(record.events.at(0).deliveries.at(0).what, "the test has muted it");
  EXPECT_EQ(record.events.at(1).deliveries.at(0).what, "the test fakes its type");
}

TEST(WorldTest, FaultsAreInjectedByName) {
  World world({.tolerated = {.failures = true}});
  std::vector<int> got;
  const Subscription desk = world.dispatcher().Subscribe(
      [&](const Asked& asked) { got.push_back(asked.number); }, {.name = "desk"});
  world.faults().Fail("desk", 1, absl::UnavailableError("closed"));
  world.faults().Throw("desk", 2, "fire");
  world.faults().Duplicate("desk", 3);
  world.faults().Delay("desk", 4, seconds(40));
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(world.dispatcher().Publish(Asked{i}));
  EXPECT_THAT(world.Run().waiting, ElementsAre("a delivery to desk, held for 40s"));
  EXPECT_THAT(got, ElementsAre(3, 3));
  world.RunFor(seconds(40));
  EXPECT_THAT(got, ElementsAre(3, 3, 4));
  const Record record = world.record();
  EXPECT_EQ(record.events.at(0).deliveries.at(0).what, "UNAVAILABLE: closed");
  EXPECT_EQ(record.events.at(1).deliveries.at(0).what, "fire");
}

TEST(WorldTest, AFailureThatNobodyExpectsFailsTheTest) {
  const auto scenario = [] {
    World world;
    const Subscription desk = world.dispatcher().Subscribe(
        [](const Asked&) { throw std::runtime_error("no ink"); }, {.name = "desk"});
    static_cast<void>(world.dispatcher().Publish(Asked{1}));
    world.Run();
  };
  EXPECT_NONFATAL_FAILURE(scenario(), "unexpected: listener desk failed on");
}

TEST(WorldTest, ASubscriptionThatIsLeftFailsTheTest) {
  static Subscription leaked;
  const auto scenario = [] {
    World world;
    leaked = world.dispatcher().Subscribe([](const Asked&) {}, {.name = "desk"});
  };
  EXPECT_NONFATAL_FAILURE(scenario(), "listener \"desk\", subscribed at");
  leaked = Subscription();
}

TEST(WorldTest, WhatIsOnItsWayAtTheEndStopsNothing) {
  World world;
  const Subscription desk = world.dispatcher().Subscribe([](const Asked&) {});
  ASSERT_TRUE(world.dispatcher().PublishAfter(seconds(1), Asked{1}).result());
  world.Advance(seconds(1));
  EXPECT_TRUE(world.Step());
}

TEST(StoryTest, ItTellsWhoPublishedWhatAndWhatBecameOfIt) {
  Shows<Asked>();
  World world({.tolerated = {.failures = true}});
  const Subscription desk = world.dispatcher().Subscribe(
      [&](const Asked& asked) {
        if (asked.number == 2) throw std::runtime_error("no ink");
        return Answered{asked.number};
      },
      {.name = "desk"});
  ASSERT_TRUE(world.dispatcher().Publish(Asked{1}));
  ASSERT_TRUE(world.dispatcher().Publish(Asked{2}));
  world.RunFor(seconds(1));
  EXPECT_EQ(TellStory(world.record()),
            "  +0s      published #1 Asked{1}\n"
            "  +0s      published #2 Asked{2}\n"
            "  +0s        desk <- #1\n"
            "  +0s      desk published #3 Answered{4 bytes}, by #1\n"
            "  +0s      nobody listens to #3\n"
            "  +0s        desk <- #2\n"
            "  +0s        desk failed on #2: no ink\n");
}

}  // namespace
}  // namespace belfry::testing
