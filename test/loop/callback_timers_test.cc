// RunAfter, RunEvery and Cancel of a loop.

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loop/loop_fixture.h"

namespace belfry {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

class CallbackTimersTest : public EventLoopTest {
 protected:
  std::function<void()> Note(std::string name) {
    return [this, name = std::move(name)] { ran_.push_back(name); };
  }
  void RunAfter(Nanoseconds by) {
    clock_.Advance(by);
    loop_.RunOnce();
  }

  ManualClock clock_;
  EventLoop loop_{clock_};
};

TEST_F(CallbackTimersTest, TimersOfOneMillisecondRunInTheOrderOfArming) {
  loop_.RunAfter(milliseconds(3), Note("first"));
  loop_.RunAfter(microseconds(2900), Note("second"));
  loop_.RunAfter(microseconds(2100), Note("third"));
  loop_.RunAfter(milliseconds(2), Note("before"));
  RunAfter(hours(1));
  EXPECT_THAT(ran_, ElementsAre("before", "first", "second", "third"));
}

TEST_F(CallbackTimersTest, PeriodsThatWereMissedAreSkipped) {
  loop_.RunEvery(milliseconds(10), Note("tick"));
  RunAfter(milliseconds(9));
  EXPECT_THAT(ran_, IsEmpty());
  RunAfter(milliseconds(36));  // at 45
  EXPECT_THAT(ran_, ElementsAre("tick"));
  RunAfter(milliseconds(4));
  EXPECT_THAT(ran_, ElementsAre("tick"));
  RunAfter(milliseconds(1));  // at 50, as if none had been missed
  EXPECT_THAT(ran_, ElementsAre("tick", "tick"));
}

TEST_F(CallbackTimersTest, APeriodOfFractionsOfAMillisecondDoesNotDrift) {
  int calls = 0;
  loop_.RunEvery(microseconds(2500), [&] { ++calls; });
  for (int i = 0; i < 1000; ++i) RunAfter(milliseconds(1));
  EXPECT_EQ(calls, 400);
}

TEST_F(CallbackTimersTest, PeriodsBelowAMillisecondAreServedOnceAMillisecond) {
  int calls = 0;
  loop_.RunEvery(Nanoseconds(1), [&] { ++calls; });
  for (int i = 0; i < 100; ++i) RunAfter(microseconds(500));
  EXPECT_EQ(calls, 50);
}

TEST_F(CallbackTimersTest, RepetitionsAreCounted) {
  loop_.RunEvery(milliseconds(1), Note("tick"), 3);
  for (int i = 0; i < 5; ++i) RunAfter(milliseconds(1));
  EXPECT_THAT(ran_, ElementsAre("tick", "tick", "tick"));
}

TEST_F(CallbackTimersTest, ACallbackIsDestroyedBeforeCancelReturns) {
  auto witness = std::make_shared<int>();
  const std::weak_ptr<int> alive = witness;
  const TimerId timer = loop_.RunAfter(hours(1), [witness] {});
  witness.reset();
  EXPECT_FALSE(alive.expired());
  EXPECT_TRUE(loop_.Cancel(timer));
  EXPECT_TRUE(alive.expired());
  EXPECT_FALSE(loop_.Cancel(timer));
}

TEST_F(CallbackTimersTest, ACallbackThatCancelsItselfIsDestroyedWhenItReturns) {
  auto witness = std::make_shared<int>();
  const std::weak_ptr<int> alive = witness;
  TimerId timer;
  timer = loop_.RunEvery(milliseconds(1), [&, witness] {
    EXPECT_TRUE(loop_.Cancel(timer));
    EXPECT_FALSE(loop_.Cancel(timer));
    loop_.RunAfter(hours(1), [] {});  // uses the slot again
    EXPECT_FALSE(alive.expired());
  });
  witness.reset();
  RunAfter(milliseconds(1));
  EXPECT_TRUE(alive.expired());
}

TEST_F(CallbackTimersTest, OneThatRunsForTheLastTimeIsOverAlready) {
  TimerId timer;
  timer = loop_.RunAfter(milliseconds(1), [&] { EXPECT_FALSE(loop_.Cancel(timer)); });
  RunAfter(milliseconds(1));
  timer = loop_.RunEvery(
      milliseconds(1), [&] { ran_.emplace_back(loop_.Cancel(timer) ? "cancelled" : "over"); }, 1);
  RunAfter(milliseconds(1));
  EXPECT_THAT(ran_, ElementsAre("over"));
}

TEST_F(CallbackTimersTest, AnIdIsNeverUsedAgain) {
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) {
    const TimerId timer = loop_.RunAfter(hours(1), [] {});
    EXPECT_TRUE(timer);
    EXPECT_TRUE(numbers.insert(timer.number).second);
    if (i % 3 == 0) continue;
    EXPECT_TRUE(loop_.Cancel(timer));
  }
  EXPECT_FALSE(loop_.Cancel(TimerId{}));
}

TEST_F(CallbackTimersTest, ADestructorOfACallbackMayArmAndCancel) {
  struct Rearms {
    EventLoop& loop;
    const TimerId& other;
    std::function<void()> next;
    ~Rearms() {
      EXPECT_TRUE(loop.Cancel(other));
      loop.RunAfter(milliseconds(1), next);
    }
  };
  const TimerId other = loop_.RunAfter(milliseconds(1), Note("other"));
  std::shared_ptr<Rearms> rearms(new Rearms{loop_, other, Note("next")});
  const TimerId timer = loop_.RunAfter(milliseconds(1), [rearms] {});
  rearms.reset();
  EXPECT_TRUE(loop_.Cancel(timer));
  RunAfter(milliseconds(1));
  EXPECT_THAT(ran_, ElementsAre("next"));
}

TEST_F(CallbackTimersTest, OneThatThrowsComesAgain) {
  loop_.RunEvery(milliseconds(1), [&] {
    ran_.emplace_back("tick");
    if (ran_.size() == 1) throw std::runtime_error("tick");
  });
  EXPECT_THROW(RunAfter(milliseconds(1)), std::runtime_error);
  RunAfter(milliseconds(1));
  EXPECT_THAT(ran_, ElementsAre("tick", "tick"));
}

TEST_F(CallbackTimersTest, ADelayCountsFromNowThoughTheTurnBeganLongAgo) {
  loop_.Post([&] {
    EXPECT_EQ(loop_.turn_time(), clock_.Now());
    clock_.Advance(milliseconds(30));
    loop_.RunAfter(milliseconds(50), Note("due"));
  });
  loop_.RunOnce();
  RunAfter(milliseconds(49));
  EXPECT_THAT(ran_, IsEmpty());
  RunAfter(milliseconds(1));
  EXPECT_THAT(ran_, ElementsAre("due"));
}

}  // namespace
}  // namespace belfry
