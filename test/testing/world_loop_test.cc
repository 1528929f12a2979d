// The loop of a world: a real one in its time, whose turns are steps.

#include <gmock/gmock.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "belfry/testing/explore.h"
#include "belfry/testing/world.h"
#include "belfry/timer.h"

namespace belfry::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Note {};

class Alarm {
 public:
  explicit Alarm(EventLoop& loop) : timer_(loop, *this, [](Alarm& self) { ++self.rang_; }) {}
  void Arm(Nanoseconds delay) { timer_.Arm(delay); }
  int rang() const { return rang_; }

 private:
  int rang_ = 0;
  Timer timer_;
};

TEST(WorldLoopTest, ATimerIsDueInTheWorldsTime) {
  World world;
  Alarm alarm(world.loop());
  alarm.Arm(hours(2));
  world.RunFor(hours(2) - seconds(1));
  EXPECT_EQ(alarm.rang(), 0);
  ASSERT_EQ(world.waiting().size(), 1U);
  EXPECT_THAT(world.waiting()[0], ::testing::StartsWith("a turn of the loop, due in "));
  world.RunFor(seconds(1));
  EXPECT_EQ(alarm.rang(), 1);
  EXPECT_EQ(world.now(), hours(2));
  EXPECT_THAT(world.waiting(), IsEmpty());
}

TEST(WorldLoopTest, AnotherTimerThanTheOneThatWasCancelledIsNotEarly) {
  World world;
  const TimerId timer = world.loop().RunAfter({}, [] { ADD_FAILURE(); });
  Alarm alarm(world.loop());
  alarm.Arm(seconds(5));
  EXPECT_EQ(world.waiting().size(), 1U);
  world.loop().Cancel(timer);
  world.Run();
  EXPECT_EQ(alarm.rang(), 0);
  world.RunFor(seconds(5));
  EXPECT_EQ(alarm.rang(), 1);
}

TEST(WorldLoopTest, ATimerThatRepeatsRunsAsOftenAsThereIsTimeFor) {
  World world;
  int ran = 0;
  world.loop().RunEvery(seconds(1), [&] { ++ran; });
  world.RunFor(seconds(10));
  EXPECT_EQ(ran, 10);
}

TEST(WorldLoopTest, WhatIsPostedIsRunByATurnAndIsAStep) {
  World world;
  std::vector<int> ran;
  world.loop().Post([&] {
    ran.push_back(1);
    world.loop().Post([&] { ran.push_back(2); });
  });
  EXPECT_THAT(ran, IsEmpty());
  EXPECT_THAT(world.waiting(), ElementsAre("a turn of the loop"));
  EXPECT_TRUE(world.Step());
  EXPECT_THAT(ran, ElementsAre(1));
  EXPECT_EQ(world.Run().steps, 1U);
  EXPECT_THAT(ran, ElementsAre(1, 2));
}

TEST(WorldLoopTest, ListenersMayRunOnIt) {
  World world;
  int handled = 0;
  const Subscription listener = world.dispatcher().Subscribe(
      [&](const Note&) {
        EXPECT_TRUE(world.loop().in_turn());
        ++handled;
      },
      {.executor = &world.loop()});
  world.dispatcher().Publish(Note());
  world.Run();
  EXPECT_EQ(handled, 1);
}

TEST(WorldLoopTest, AnOperationMayFinishWhereADescriptorIsReady) {
  World world;
  EventLoop& loop = world.loop();
  std::vector<std::string> order;
  loop.Post([&] { order.emplace_back("posted"); });
  loop.RunAfter({}, [&] { order.emplace_back("a timer"); });
  world.FinishInTurn("something", [&] {
    EXPECT_TRUE(loop.in_turn());
    order.emplace_back("something");
  });
  const OperationId other = world.FinishInTurn("another", [] { ADD_FAILURE(); });
  EXPECT_TRUE(world.Cancel(other));
  while (order.empty()) ASSERT_TRUE(world.Step());
  world.Run();
  EXPECT_THAT(order, ::testing::UnorderedElementsAre("something", "a timer", "posted"));
}

TEST(WorldLoopTest, ATurnIsPlacedInEveryOrder) {
  std::set<std::string> orders;
  const ExploreReport report = Explore({}, [&](World& world) {
    std::string order;
    const Subscription listener = world.dispatcher().Subscribe(
        [&](const Note&) { order += "delivery "; }, {.name = "listener"});
    world.dispatcher().Publish(Note());
    world.loop().Post([&] { order += "turn "; });
    world.FinishInTurn("something", [&] { order += "something "; });
    world.Run();
    orders.insert(order);
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_THAT(orders, UnorderedElementsAre("delivery turn something ", "turn delivery something ",
                                           "turn something delivery ", "something turn delivery ",
                                           "delivery something turn "));
}

}  // namespace
}  // namespace belfry::testing
