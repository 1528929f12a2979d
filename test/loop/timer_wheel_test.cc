#include "loop/timer_wheel.h"

#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loop/wheel_timer.h"
#include "scale.h"

namespace belfry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimerWheel::Tick kDay = 24ULL * 3600 * 1000;
constexpr TimerWheel::Tick kEnd = std::numeric_limits<TimerWheel::Tick>::max();

class TimerWheelTest : public testing::Test {
 protected:
  // A timer that writes down its name.
  std::unique_ptr<WheelTimer> Named(const std::string& name) {
    return std::make_unique<WheelTimer>(wheel_, [this, name] { ran_.push_back(name); });
  }
  std::unique_ptr<WheelTimer> Armed(const std::string& name, TimerWheel::Tick tick) {
    auto timer = Named(name);
    timer->Arm(tick);
    return timer;
  }

  TimerWheel wheel_{1000};
  std::vector<std::string> ran_;
};

TEST_F(TimerWheelTest, ATimerRunsAtItsTickOnceAndNotBefore) {
  // Both sides of the border of each level, as far as a test can step.
  for (const TimerWheel::Tick ahead : {1U, 2U, 23U, 24U, 25U, 1023U, 1024U, 1025U, 1048576U}) {
    const TimerWheel::Tick tick = wheel_.now() + ahead;
    const auto timer = Armed("due", tick);
    for (TimerWheel::Tick now = wheel_.now(); now < tick; ++now) wheel_.RunDue(now);
    EXPECT_THAT(ran_, IsEmpty()) << ahead;
    EXPECT_TRUE(timer->armed());
    wheel_.RunDue(tick);
    EXPECT_THAT(ran_, ElementsAre("due")) << ahead;
    EXPECT_FALSE(timer->armed());
    EXPECT_TRUE(wheel_.empty());
    ran_.clear();
  }
}

TEST_F(TimerWheelTest, WhatIsPastOrNowIsDueAtTheNextRunThoughNoTimeHasPassed) {
  const auto now = Armed("now", 1000);
  const auto past = Armed("past", 0);
  EXPECT_EQ(wheel_.NextTick(), 1000);
  wheel_.RunDue(1000);
  EXPECT_THAT(ran_, ElementsAre("now", "past"));
}

TEST_F(TimerWheelTest, AClockThatGoesBackIsOneThatStands) {
  const auto now = Armed("now", 1000);
  const auto later = Armed("later", 1001);
  wheel_.RunDue(5);
  EXPECT_THAT(ran_, ElementsAre("now"));
  const auto past = Armed("past", 900);
  wheel_.RunDue(5);
  EXPECT_THAT(ran_, ElementsAre("now", "past"));
  wheel_.RunDue(1001);
  EXPECT_THAT(ran_, ElementsAre("now", "past", "later"));
}

TEST_F(TimerWheelTest, TheEndOfTimeIsATickLikeAnyOther) {
  const auto half = Armed("half", 1ULL << 63);
  const auto before = Armed("before", kEnd - 1);
  const auto end = Armed("end", kEnd);
  wheel_.RunDue((1ULL << 63) - 1);
  EXPECT_THAT(ran_, IsEmpty());
  wheel_.RunDue(1ULL << 63);
  EXPECT_THAT(ran_, ElementsAre("half"));
  wheel_.RunDue(kEnd - 1);
  EXPECT_THAT(ran_, ElementsAre("half", "before"));
  EXPECT_EQ(wheel_.NextTick(), kEnd);
  wheel_.RunDue(kEnd);
  EXPECT_THAT(ran_, ElementsAre("half", "before", "end"));
  wheel_.RunDue(kEnd);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, AJumpRunsWhatItPassesInOrder) {
  const auto month = Armed("month", 1000 + 30 * kDay);
  const auto day = Armed("day", 1000 + kDay);
  const auto soon = Armed("soon", 1001);
  const auto hour = Armed("hour", 1000 + kDay / 24);
  const auto years = Armed("years", 1000 + 10'000 * kDay);
  wheel_.RunDue(1000 + 1'000 * kDay);  // tick by tick this would be for ever
  EXPECT_THAT(ran_, ElementsAre("soon", "hour", "day", "month"));
  EXPECT_TRUE(years->armed());
}

TEST_F(TimerWheelTest, TimersOfOneTickRunInTheOrderOfArmingThoughTheyCameFromSeveralLevels) {
  constexpr TimerWheel::Tick kTick = 1000 + 3 * 1048576;
  std::vector<std::unique_ptr<WheelTimer>> timers;
  timers.push_back(Armed("0", kTick));
  wheel_.RunDue(kTick - 1048576);
  timers.push_back(Armed("1", kTick));
  wheel_.RunDue(kTick - 1030);
  timers.push_back(Armed("2", kTick));
  wheel_.RunDue(kTick - 1);
  timers.push_back(Armed("3", kTick));
  wheel_.RunDue(kTick);
  EXPECT_THAT(ran_, ElementsAre("0", "1", "2", "3"));
}

TEST_F(TimerWheelTest, OneThatIsArmedForEarlierComesLastInItsNewTick) {
  const auto moved = Armed("moved", 5000);
  const auto first = Armed("first", 3000);
  moved->Arm(3000);
  const auto last = Armed("last", 3000);
  wheel_.RunDue(3000);
  EXPECT_THAT(ran_, ElementsAre("first", "moved", "last"));
}

TEST_F(TimerWheelTest, OneThatIsPutOffRunsAtItsNewTickOnly) {
  const auto timer = Armed("due", 1010);
  timer->Arm(1500);
  timer->Arm(200'000);
  timer->Arm(300'000);
  wheel_.RunDue(1010);
  wheel_.RunDue(299'999);
  EXPECT_THAT(ran_, IsEmpty());
  wheel_.RunDue(300'000);
  EXPECT_THAT(ran_, ElementsAre("due"));
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, PutOffAndThenArmedForEarlierItRunsAtTheEarlierTick) {
  const auto timer = Armed("due", 1010);
  timer->Arm(5000);
  timer->Arm(1005);
  wheel_.RunDue(1005);
  EXPECT_THAT(ran_, ElementsAre("due"));
  wheel_.RunDue(5000);
  EXPECT_THAT(ran_, ElementsAre("due"));
}

TEST_F(TimerWheelTest, PutOffInsideAJumpItStillRunsInTheOrderOfTicks) {
  const auto off = Named("put off");
  WheelTimer first(wheel_, [&] { off->Arm(1700); });
  first.Arm(1001);
  off->Arm(1500);
  const auto between = Armed("between", 1600);
  const auto after = Armed("after", 1800);
  wheel_.RunDue(2000);
  EXPECT_THAT(ran_, ElementsAre("between", "put off", "after"));
}

TEST_F(TimerWheelTest, OneThatWasPutOffAndIsCancelledFirstComesLast) {
  const auto timer = Armed("again", 2000);
  const auto other = Armed("other", 3000);
  timer->Cancel();
  timer->Arm(3000);
  wheel_.RunDue(3000);
  EXPECT_THAT(ran_, ElementsAre("other", "again"));
}

TEST_F(TimerWheelTest, ACancelledTimerDoesNotRunAndCancellingItAgainIsNothing) {
  const auto soon = Armed("soon", 1001);
  const auto late = Armed("late", 0);
  const auto far = Armed("far", 1000 + kDay);
  for (int twice = 0; twice < 2; ++twice) {
    soon->Cancel();
    late->Cancel();
    far->Cancel();
  }
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.NextTick(), std::nullopt);
  wheel_.RunDue(1000 + 2 * kDay);
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(TimerWheelTest, InItsOwnCallATimerMayCancelAndArmItself) {
  int calls = 0;
  std::unique_ptr<WheelTimer> timer;
  timer = std::make_unique<WheelTimer>(wheel_, [&] {
    EXPECT_FALSE(timer->armed());
    timer->Cancel();
    if (++calls < 3) timer->Arm(wheel_.now());  // for now: that is the next run
  });
  timer->Arm(1001);
  for (int run = 1; run <= 4; ++run) {
    wheel_.RunDue(1001);
    EXPECT_EQ(calls, std::min(run, 3));
  }
}

TEST_F(TimerWheelTest, InItsOwnCallATimerMayDestroyItself) {
  std::unique_ptr<WheelTimer> timer;
  timer = std::make_unique<WheelTimer>(wheel_, [&] { timer.reset(); });
  timer->Arm(1001);
  const auto next = Armed("next", 1001);
  wheel_.RunDue(1001);
  EXPECT_EQ(timer, nullptr);
  EXPECT_THAT(ran_, ElementsAre("next"));
}

TEST_F(TimerWheelTest, ATimerMayCancelAndDestroyOthersThatAreDueWithIt) {
  std::vector<std::unique_ptr<WheelTimer>> timers;
  WheelTimer killer(wheel_, [&] {
    for (std::size_t i = 0; i < timers.size(); ++i) {
      if (i % 3 == 0) timers[i]->Cancel();
      if (i % 3 == 1) timers[i].reset();
    }
  });
  killer.Arm(1001);
  for (int i = 0; i < 200; ++i) timers.push_back(Armed(std::to_string(i), 1001U + (i > 100)));
  wheel_.RunDue(1002);
  ASSERT_EQ(ran_.size(), 66U);
  for (std::size_t i = 0; i < ran_.size(); ++i) EXPECT_EQ(ran_[i], std::to_string(3 * i + 2));
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, ATimerMayCancelAllOthersThatAreDueWithItAndArmNewOnes) {
  std::deque<WheelTimer> timers;
  WheelTimer killer(wheel_, [&] {
    timers.clear();
    for (int i = 0; i < 100; ++i) timers.emplace_back(wheel_).Arm(wheel_.now());
  });
  killer.Arm(1001);
  for (int i = 0; i < 100; ++i) timers.emplace_back(wheel_).Arm(1001);
  wheel_.RunDue(1001);
  for (const WheelTimer& timer : timers) EXPECT_TRUE(timer.armed());
  wheel_.RunDue(1001);
  for (const WheelTimer& timer : timers) EXPECT_FALSE(timer.armed());
}

TEST_F(TimerWheelTest, WhatIsArmedInACallForWhatThisRunHasPassedRunsInTheNext) {
  const auto other = Named("other");
  WheelTimer first(wheel_, [&] { other->Arm(1500); });
  first.Arm(1001);
  wheel_.RunDue(2000);
  EXPECT_THAT(ran_, IsEmpty());
  EXPECT_EQ(wheel_.NextTick(), 2000);
  wheel_.RunDue(2000);
  EXPECT_THAT(ran_, ElementsAre("other"));
}

TEST_F(TimerWheelTest, WhatACallThrowsLeavesTheWheelIntact) {
  std::vector<std::unique_ptr<WheelTimer>> timers;
  const auto late = Named("late");
  for (int i = 0; i < 3; ++i) {
    timers.push_back(std::make_unique<WheelTimer>(wheel_, [&, i] {
      ran_.push_back(std::to_string(i));
      if (i == 0) late->Arm(1400);
      throw std::runtime_error("timer");
    }));
    timers.back()->Arm(i == 2 ? 1500 : 1001);
  }
  const auto last = Armed("last", 1600);
  for (int i = 0; i < 3; ++i) EXPECT_THROW(wheel_.RunDue(2000), std::runtime_error);
  wheel_.RunDue(2000);
  EXPECT_THAT(ran_, ElementsAre("0", "1", "late", "2", "last"));
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, WhatThrownCallsLeaveBehindRunsWithWhatCameLate) {
  std::deque<WheelTimer> late;
  std::deque<WheelTimer> due;
  for (std::size_t i = 0; i < 100; ++i) {
    due.emplace_back(wheel_, [&, i] {
      ran_.emplace_back("due");
      if (i < 3) {
        for (int more = 0; more < 50; ++more) {
          late.emplace_back(wheel_, [this] { ran_.emplace_back("late"); }).Arm(0);
        }
        throw std::runtime_error("timer");
      }
      for (std::size_t first = 0; first < 50; ++first) late[first].Cancel();
    });
    due.back().Arm(1001);
  }
  for (int i = 0; i < 3; ++i) EXPECT_THROW(wheel_.RunDue(1001), std::runtime_error);
  wheel_.RunDue(1001);
  EXPECT_TRUE(wheel_.empty());
  std::vector<std::string> expected(100, "due");
  expected.resize(200, "late");
  EXPECT_EQ(ran_, expected);
}

TEST_F(TimerWheelTest, WhoeverWaitsForATimerThatIsFarAwayIsWokenAFewTimes) {
  for (const TimerWheel::Tick ahead : {kDay / 24, kDay, 1000 * kDay}) {
    const auto timer = Armed("due", wheel_.now() + ahead);
    const TimerWheel::Tick due = wheel_.now() + ahead;
    int wakes = 0;
    while (const std::optional<TimerWheel::Tick> next = wheel_.NextTick()) {
      ASSERT_GT(*next, wheel_.now());
      ASSERT_LE(*next, due);
      wheel_.RunDue(*next);
      ++wakes;
    }
    EXPECT_EQ(wheel_.now(), due);
    EXPECT_LE(wakes, 5);
  }
  EXPECT_THAT(ran_, ElementsAre("due", "due", "due"));
}

TEST_F(TimerWheelTest, NobodyIsWokenForATimerThatWasCancelled) {
  const auto cancelled = Armed("cancelled", 1010);
  const auto timer = Armed("due", 1250);
  cancelled->Cancel();
  EXPECT_EQ(wheel_.NextTick(), 1024);  // the next bucket of level 1
  wheel_.RunDue(1024);
  EXPECT_EQ(wheel_.NextTick(), 1250);
}

TEST_F(TimerWheelTest, AWheelWithoutTimersGoesToAnyLaterTime) {
  wheel_.SkipTo(5 * kDay);
  EXPECT_EQ(wheel_.now(), 5 * kDay);
  wheel_.SkipTo(kDay);
  EXPECT_EQ(wheel_.now(), 5 * kDay);
  const auto timer = Armed("due", 5 * kDay + 1);
  wheel_.SkipTo(6 * kDay);
  EXPECT_EQ(wheel_.now(), 5 * kDay);
  EXPECT_EQ(wheel_.NextTick(), 5 * kDay + 1);
}

TEST_F(TimerWheelTest, AMillionTimersOfOneTickRunInOrder) {
  constexpr std::size_t kTimers = 1'000'000;
  std::size_t next = 0;
  bool in_order = true;
  std::deque<WheelTimer> timers;
  for (std::size_t i = 0; i < kTimers; ++i) {
    timers.emplace_back(wheel_, [&, i] { in_order = in_order && i == next++; }).Arm(100'000);
  }
  wheel_.RunDue(100'000);
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, kTimers);
}

// Memory that is allocated: of the wheel alone, since the timers exist before.
std::size_t BytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_F(TimerWheelTest, AMillionTimersTakeTenBytesEachAndGiveThemBack) {
  if (kSanitized) GTEST_SKIP() << "sanitizers have an allocator of their own";
  constexpr std::size_t kTimers = 1'000'000;
  std::deque<WheelTimer> timers;
  for (std::size_t i = 0; i < kTimers; ++i) timers.emplace_back(wheel_);
  const std::size_t before = BytesInUse();
  const auto arm_all = [&] {
    for (std::size_t i = 0; i < kTimers; ++i) timers[i].Arm(wheel_.now() + 1 + i * 7919 % 60'000);
  };
  arm_all();
  EXPECT_LE(BytesInUse() - before, 10 * kTimers);
  for (WheelTimer& timer : timers) timer.Cancel();
  EXPECT_LE(BytesInUse() - before, 20'000U);
  arm_all();
  wheel_.RunDue(wheel_.now() + 60'000);
  EXPECT_LE(BytesInUse() - before, 20'000U);
}

TEST_F(TimerWheelTest, ArmingAndCancellingForEverBesideOneThatStaysTakesNoMemory) {
  if (kSanitized) GTEST_SKIP() << "sanitizers have an allocator of their own";
  const auto stays = Armed("stays", 1000 + kDay);
  WheelTimer timer(wheel_);
  const std::size_t before = BytesInUse();
  for (int i = 0; i < 100'000; ++i) {
    timer.Arm(1000 + kDay);
    timer.Cancel();
  }
  EXPECT_LE(BytesInUse() - before, 1'000U);
}

using TimerWheelDeathTest = TimerWheelTest;

TEST_F(TimerWheelDeathTest, RunningTheTimersInsideACallIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  WheelTimer timer(wheel_, [&] { wheel_.RunDue(2000); });
  timer.Arm(1001);
  EXPECT_DEATH(wheel_.RunDue(1001), "a timer's callback ran the timers");
}

}  // namespace
}  // namespace belfry
