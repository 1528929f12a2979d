// The matchers: what each of them says yes to, and no.

#include "belfry/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest-spi.h>

#include "belfry/testing/scenario.h"
#include "belfry/testing/world.h"

namespace belfry::testing {
namespace {

using std::chrono::seconds;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::Not;

struct Ordered {
  int number = 0;
};
struct Paid {
  int number = 0;
};
struct Shipped {
  int number = 0;
};

auto Number(int number) { return Field("number", &Ordered::number, number); }

// Ordered -> pay -> Paid -> ship; and a list of what was ordered.
class MatchersTest : public ::testing::Test {
 protected:
  void Wire(ListenerOptions ship = {}) {
    pay_ = world_.dispatcher().Subscribe(
        [](const Ordered& ordered) { return Paid{ordered.number}; }, {.name = "pay"});
    ship.name = "ship";
    ship_ = world_.dispatcher().Subscribe(
        [](const Paid& paid) {
          if (paid.number < 0) throw std::runtime_error("no such thing");
          return Shipped{paid.number};
        },
        std::move(ship));
    list_ = world_.dispatcher().Subscribe([](const Ordered&) {}, {.name = "list"});
  }

  World world_;
  Subscription pay_, ship_, list_;
};

TEST_F(MatchersTest, PublishedCountsWhatMatches) {
  Wire();
  When(world_, Ordered{1}, Ordered{2}, Ordered{2});
  EXPECT_THAT(world_, Published<Ordered>(Number(1)));
  EXPECT_THAT(world_, Not(Published<Ordered>(Number(2)))) << "once is exactly once";
  EXPECT_THAT(world_, Published<Ordered>(Number(2)).Times(2));
  EXPECT_THAT(world_, Published<Ordered>().AtLeast(2));
  EXPECT_THAT(world_, Not(Published<Ordered>().AtLeast(4)));
  EXPECT_THAT(world_, Published<Ordered>(AllOf(Number(1), Field(&Ordered::number, Gt(0)))));
  EXPECT_THAT(world_, NotPublished<Ordered>(Number(3)));
  EXPECT_THAT(world_, Not(NotPublished<Ordered>()));
  EXPECT_THAT(world_, AllOf(Published<Ordered>(Number(1)), Published<Paid>().Times(3)));
}

TEST_F(MatchersTest, ALambdaSaysWhichEvent) {
  Wire();
  When(world_, Ordered{1}, Ordered{2});
  EXPECT_THAT(world_, Published([](const Ordered& ordered) { return ordered.number == 2; }));
  EXPECT_THAT(world_, Published<Ordered>([](const auto& ordered) { return ordered.number == 2; }));
  EXPECT_THAT(world_, NotPublished([](const Ordered& ordered) { return ordered.number > 2; }));
  EXPECT_THAT(world_, Not(Published([](const Ordered&) { return false; })));
}

TEST_F(MatchersTest, PublishedInOrderLeavesRoomBetween) {
  Wire();
  When(world_, Ordered{1}, Ordered{2});
  EXPECT_THAT(world_, PublishedInOrder(Published<Ordered>(Number(1)), Published<Shipped>()));
  EXPECT_THAT(world_, PublishedInOrder(Published<Ordered>().Times(2), Published<Paid>()));
  EXPECT_THAT(world_, Not(PublishedInOrder(Published<Paid>(), Published<Ordered>())));
  EXPECT_THAT(world_, Not(PublishedInOrder(Published<Ordered>().Times(3))));
}

TEST_F(MatchersTest, PublishedInAnyOrderTakesEachEventOnce) {
  Wire();
  When(world_, Ordered{1}, Ordered{2});
  // The first could be either; the second leaves it no choice.
  EXPECT_THAT(world_, PublishedInAnyOrder(Published<Ordered>(), Published<Ordered>(Number(1))));
  EXPECT_THAT(world_, PublishedInAnyOrder(Published<Shipped>(), Published<Ordered>().Times(2)));
  EXPECT_THAT(world_, Not(PublishedInAnyOrder(Published<Ordered>(Number(1)),
                                              Published<Ordered>(Number(1)))));
}

TEST_F(MatchersTest, HandledSaysByWhomAfterWhomAndBecauseOfWhat) {
  Wire();
  When(world_, Ordered{1}, Ordered{2});
  EXPECT_THAT(world_, Handled<Ordered>());
  EXPECT_THAT(world_, Handled<Ordered>(Number(2)).By("pay").Times(1));
  EXPECT_THAT(world_, Not(Handled<Ordered>(Number(2)).Times(1))) << "two listeners have";
  EXPECT_THAT(world_, Not(Handled<Ordered>().By("ship")));
  EXPECT_THAT(world_, Handled<Ordered>().By("list").After("pay"));
  EXPECT_THAT(world_, Not(Handled<Ordered>().By("pay").After("list")));
  EXPECT_THAT(world_, Handled<Paid>().By("ship").After("pay")) << "another event of its story";
  EXPECT_THAT(world_, Handled<Paid>().CausedBy<Ordered>(Number(1)));
  EXPECT_THAT(world_, Not(Handled<Paid>().CausedBy<Ordered>(Number(3))));
  EXPECT_THAT(world_, Not(Handled<Shipped>())) << "nobody listens to it";
}

TEST_F(MatchersTest, AStoryIsNotAnother) {
  Wire();
  world_.faults().Delay("pay", 2, seconds(1));
  When(world_, Ordered{1}, Ordered{2});
  EXPECT_THAT(world_, Handled<Ordered>(Number(1)).By("list").After("pay"));
  EXPECT_THAT(world_, Not(Handled<Ordered>(Number(2)).By("list").After("pay")));
  After(world_, seconds(1));
}

TEST_F(MatchersTest, NotCalledMeansThatItsCallableWasNot) {
  Wire();
  world_.Mute("pay");
  When(world_, Ordered{1});
  EXPECT_THAT(world_, NotCalled("pay"));
  EXPECT_THAT(world_, NotCalled("ship"));
  EXPECT_THAT(world_, Not(NotCalled("list")));
  EXPECT_THAT(world_, Not(NotCalled("lisst"))) << "a name that nobody has";
  list_.Reset();
  world_.Forget();
  When(world_, Ordered{2});
  EXPECT_THAT(world_, NotCalled("list")) << "which had that name";
}

TEST_F(MatchersTest, OrphansAndRefusals) {
  const Subscription slow = world_.dispatcher().Subscribe(
      [](const Ordered&) {},
      {.name = "slow", .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  EXPECT_TRUE(world_.dispatcher().Publish(Ordered{1}));
  EXPECT_THAT(world_, Not(Refused<Ordered>()));
  EXPECT_FALSE(world_.dispatcher().Publish(Ordered{2}));
  EXPECT_THAT(world_, Refused<Ordered>());
  EXPECT_THAT(world_, Published<Ordered>()) << "the other one was not";
  When(world_, Paid{1});
  EXPECT_THAT(world_, Orphan<Paid>());
  EXPECT_THAT(world_, Not(Orphan<Paid>(Field(&Paid::number, 2))));
  EXPECT_THAT(world_, Not(Orphan<Ordered>()));
}

TEST_F(MatchersTest, WhatIsNamedIsNotComplainedOf) {
  Wire({.retry = {.attempts_max = 3}, .dead_letters = true});
  When(world_, Paid{-1}, Paid{1});
  EXPECT_THAT(world_, Not(Failed("ship")));
  After(world_, seconds(1));
  EXPECT_THAT(world_, Retried("ship", 2));
  EXPECT_THAT(world_, Not(Retried("ship", 1)));
  EXPECT_THAT(world_, Not(Failed("ship", HasSubstr("no ink"))));
  EXPECT_THAT(world_, Not(DeadLettered("pay")));
  EXPECT_THAT(world_, DeadLettered("ship", HasSubstr("no such thing")));
  EXPECT_THAT(world_, Failed("ship", "no such thing"));
}

TEST(DeadLetterTest, OneThatNobodyExpectsFailsTheTest) {
  const auto scenario = [] {
    World world({.tolerated = {.failures = true}});
    const Subscription pay =
        world.dispatcher().Subscribe([](const Ordered&) { throw std::runtime_error("no money"); },
                                     {.name = "pay", .dead_letters = true});
    When(world, Ordered{1});
  };
  EXPECT_NONFATAL_FAILURE(scenario(), "1 dead letter is left, of pay: no money");
}

TEST_F(MatchersTest, LossesAndTimeOuts) {
  Wire({.queue = {.events_max = 1}, .overflow = Overflow::DropNewest(), .deadline = seconds(5)});
  EXPECT_TRUE(world_.dispatcher().Publish(Paid{1}));
  EXPECT_THAT(world_, Not(Dropped("ship")));
  EXPECT_TRUE(world_.dispatcher().Publish(Paid{2}));
  EXPECT_THAT(world_, Dropped("ship"));
  EXPECT_THAT(world_, Not(Dropped("pay")));
  world_.Advance(seconds(6));
  EXPECT_THAT(world_, Not(TimedOut("ship")));
  world_.Run();
  EXPECT_THAT(world_, TimedOut("ship"));
}

TEST_F(MatchersTest, NothingElseIsWhatNobodyHasNamed) {
  Wire();
  When(world_, Ordered{1});
  EXPECT_THAT(world_, Not(NothingElse()));
  EXPECT_THAT(world_, Not(Published<Shipped>().Times(2))) << "which names nothing";
  EXPECT_THAT(world_, Handled<Paid>().By("ship"));
  EXPECT_THAT(world_, Not(NothingElse()));
  EXPECT_THAT(world_, Published<Shipped>());
  EXPECT_THAT(world_, NothingElse());
}

TEST_F(MatchersTest, ExpectFailsAtTheCallersLine) {
  ::testing::TestPartResultArray results;
  int line = 0;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    world_.Expect(NotPublished<Ordered>());
    line = __LINE__ + 1;
    world_.Expect(Published<Ordered>());
    Then(world_, Published<Ordered>());
  }
  ASSERT_EQ(results.size(), 2);
  EXPECT_EQ(results.GetTestPartResult(0).line_number(), line);
  EXPECT_STREQ(results.GetTestPartResult(0).file_name(), __FILE__);
  EXPECT_THAT(results.GetTestPartResult(0).message(),
              HasSubstr("expected Ordered published once, seen: never"));
  EXPECT_GT(results.GetTestPartResult(1).line_number(), line);
  EXPECT_STREQ(results.GetTestPartResult(1).file_name(), __FILE__);
}

TEST(RecorderMatchersTest, ARecorderOnThreadsIsAsked) {
  Recorder recorder;
  Dispatcher dispatcher({.observer = &recorder});
  const Subscription pay = dispatcher.Subscribe(
      [](const Ordered& ordered) { return Paid{ordered.number}; }, {.name = "pay"});
  ASSERT_TRUE(dispatcher.Publish(Ordered{1}));
  ASSERT_TRUE(recorder.AwaitEnded("pay", 1));
  EXPECT_THAT(recorder, Published<Ordered>(Number(1)));
  EXPECT_THAT(recorder, Handled<Ordered>().By("pay"));
  EXPECT_THAT(recorder, NotCalled("nobody")) << "it does not know who there is";
  EXPECT_THAT(recorder, Not(DeadLettered("pay"))) << "it does not know of them";
  Expect(recorder, PublishedInOrder(Published<Ordered>(), Published<Paid>()));
  Expect(recorder, NothingElse());
}

}  // namespace
}  // namespace belfry::testing
