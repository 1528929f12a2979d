#include "belfry/timer.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "faults.h"
#include "loop/loop_fixture.h"
#include "waiting.h"

namespace belfry {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

// Counts how often it is read.
class CountingClock final : public Clock {
 public:
  SteadyTime Now() const override {
    ++reads_;
    return time_.Now();
  }
  WallTime WallNow() const override { return time_.WallNow(); }
  void Advance(Nanoseconds by) { time_.Advance(by); }
  int reads() const { return reads_; }

 private:
  ManualClock time_;
  mutable int reads_ = 0;
};

class TimerTest : public EventLoopTest {
 protected:
  struct Owner {
    Owner(EventLoop& loop, std::function<void()> call)
        : due(std::move(call)), timer(loop, *this, [](Owner& owner) { owner.due(); }) {}
    std::function<void()> due;
    Timer timer;
  };

  std::function<void()> Note(std::string name) {
    return [this, name = std::move(name)] { ran_.push_back(name); };
  }
};

TEST_F(TimerTest, IsNeverEarlyAndWaitsItsTimeInTwoWaits) {
  const FailNth count(sys::Call::kEpollWait, 0, 0);
  EventLoop loop;
  Owner owner(loop, [&] { loop.Stop(); });
  const auto begin = std::chrono::steady_clock::now();
  owner.timer.Arm(microseconds(20300));
  loop.Run();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, microseconds(20300));
  EXPECT_LE(count.calls(), 2) << "the loop spun up to the deadline";
}

TEST_F(TimerTest, ALoopThatWaitsForAFarTimerHardlyWakes) {
  EventLoop loop;
  Owner owner(loop, [] {});
  owner.timer.Arm(hours(1));
  const FailNth count(sys::Call::kEpollWait, 0, 0);
  std::thread thread([&] { loop.Run(); });
  ASSERT_TRUE(Eventually([&] { return count.calls() == 1; }));
  const auto until = std::chrono::steady_clock::now() + milliseconds(300);
  ASSERT_TRUE(Eventually([&] { return std::chrono::steady_clock::now() > until; }));
  EXPECT_LE(count.calls(), 2);
  loop.Stop();
  thread.join();
}

TEST_F(TimerTest, ItsDelayCountsFromTheTimeOfTheTurn) {
  ManualClock clock;
  EventLoop loop(clock);
  Owner owner(loop, Note("due"));
  loop.Post([&] {
    EXPECT_EQ(loop.turn_time(), clock.Now());
    clock.Advance(milliseconds(30));  // a long turn
    EXPECT_EQ(loop.turn_time(), clock.Now() - milliseconds(30));
    owner.timer.Arm(milliseconds(50));
  });
  loop.RunOnce();
  EXPECT_EQ(loop.turn_time(), clock.Now());
  clock.Advance(milliseconds(20) - Nanoseconds(1));
  loop.RunOnce();
  EXPECT_THAT(ran_, IsEmpty());
  clock.Advance(Nanoseconds(1));
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("due"));
}

TEST_F(TimerTest, OutsideOfATurnItsDelayCountsFromNow) {
  ManualClock clock;
  EventLoop loop(clock);
  Owner owner(loop, Note("due"));
  loop.RunOnce();
  clock.Advance(hours(1));
  owner.timer.Arm(milliseconds(50));
  loop.RunOnce();
  EXPECT_THAT(ran_, IsEmpty());
  clock.Advance(milliseconds(50));
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("due"));
}

TEST_F(TimerTest, InATurnTheClockIsReadOnce) {
  CountingClock clock;
  EventLoop loop(clock);
  Owner owner(loop, [] {});
  int reads = 0;
  loop.Post([&] {
    const int before = clock.reads();
    for (int i = 0; i < 100; ++i) owner.timer.Arm(milliseconds(50 + i));
    reads = clock.reads() - before;
  });
  loop.RunOnce();
  EXPECT_EQ(reads, 1);
}

TEST_F(TimerTest, DelaysAreRoundedUpToMilliseconds) {
  ManualClock clock;
  clock.Advance(Nanoseconds(1));
  EventLoop loop(clock);
  Owner owner(loop, Note("due"));
  owner.timer.Arm(milliseconds(5));
  clock.Advance(milliseconds(5));
  loop.RunOnce();
  EXPECT_THAT(ran_, IsEmpty());
  clock.Advance(milliseconds(1) - Nanoseconds(1));
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("due"));
}

TEST_F(TimerTest, DelaysAtTheEndsOfTimeAreAtOnceAndNever) {
  EventLoop loop;
  Owner never(loop, Note("never"));
  Owner at_once(loop, Note("at once"));
  Owner zero(loop, Note("zero"));
  never.timer.Arm(Nanoseconds::max());
  zero.timer.Arm(Nanoseconds(0));
  at_once.timer.Arm(Nanoseconds::min());
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("zero", "at once"));
  EXPECT_TRUE(never.timer.armed());
}

TEST_F(TimerTest, ArmedForNowInItsOwnCallItRunsInTheNextTurn) {
  EventLoop loop;
  int calls = 0;
  std::unique_ptr<Owner> owner;
  owner = std::make_unique<Owner>(loop, [&] {
    EXPECT_FALSE(owner->timer.armed());
    if (++calls < 3) owner->timer.Arm(Nanoseconds(0));
  });
  owner->timer.Arm(Nanoseconds(0));
  for (const int expected : {1, 2, 3, 3}) {
    loop.RunOnce();
    EXPECT_EQ(calls, expected);
  }
}

TEST_F(TimerTest, ALoopKnowsWhenItHasSomethingToDo) {
  ManualClock clock;
  EventLoop loop(clock);
  EXPECT_EQ(loop.next_due(), std::nullopt);
  const TimerId timer = loop.RunAfter(milliseconds(20), [] {});
  EXPECT_EQ(loop.next_due(), clock.Now() + milliseconds(20));
  loop.Post([] {});
  EXPECT_EQ(loop.next_due(), clock.Now());
  loop.RunOnce();
  EXPECT_EQ(loop.next_due(), clock.Now() + milliseconds(20));
  loop.Cancel(timer);
  EXPECT_EQ(loop.next_due(), std::nullopt);
  struct Nothing final : Runnable {
    void Run() override {}
  };
  Nothing nothing;
  loop.RunAtTurnEnd(nothing);
  EXPECT_EQ(loop.next_due(), clock.Now());
  loop.RunOnce();
  EXPECT_EQ(loop.next_due(), std::nullopt);
}

TEST_F(TimerTest, ATimerThatIsCancelledOrDestroyedDoesNotRun) {
  ManualClock clock;
  EventLoop loop(clock);
  Owner cancelled(loop, Note("cancelled"));
  auto destroyed = std::make_unique<Owner>(loop, Note("destroyed"));
  for (Owner* const owner : {&cancelled, destroyed.get()}) owner->timer.Arm(milliseconds(1));
  EXPECT_TRUE(cancelled.timer.armed());
  cancelled.timer.Cancel();
  cancelled.timer.Cancel();
  EXPECT_FALSE(cancelled.timer.armed());
  destroyed.reset();
  clock.Advance(hours(1));
  loop.RunOnce();
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(TimerTest, AnOwnerMayDestroyItselfInTheCall) {
  EventLoop loop;
  std::unique_ptr<Owner> owner;
  owner = std::make_unique<Owner>(loop, [&] {
    ran_.emplace_back("due");
    owner.reset();
  });
  owner->timer.Arm(Nanoseconds(0));
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("due"));
  EXPECT_EQ(owner, nullptr);
}

TEST_F(TimerTest, AnIdleTimeOutThatIsPutOffWithEveryMessageRunsWhenTheyEnd) {
  ManualClock clock;
  EventLoop loop(clock);
  Owner idle(loop, Note("idle"));
  idle.timer.Arm(milliseconds(100));
  for (int message = 0; message < 1000; ++message) {
    clock.Advance(milliseconds(7));
    idle.timer.Arm(milliseconds(100));
    loop.RunOnce();
  }
  EXPECT_THAT(ran_, IsEmpty());
  clock.Advance(milliseconds(99));
  loop.RunOnce();
  EXPECT_THAT(ran_, IsEmpty());
  clock.Advance(milliseconds(1));
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("idle"));
}

TEST_F(TimerTest, WhatItsCallThrowsPassesThroughAndTheOthersRunInTheNextTurn) {
  EventLoop loop;
  Owner fails(loop, [] { throw std::runtime_error("timer"); });
  Owner other(loop, Note("other"));
  fails.timer.Arm(Nanoseconds(0));
  other.timer.Arm(Nanoseconds(0));
  EXPECT_THROW(loop.RunOnce(), std::runtime_error);
  loop.RunOnce(kPatience);  // does not wait: it is due
  EXPECT_THAT(ran_, ElementsAre("other"));
}

class TimerDeathTest : public TimerTest {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override {}
};

TEST_F(TimerDeathTest, ATimerOutsideOfItsOwnerIsABug) {
  EventLoop loop;
  std::string owner;
  EXPECT_DEATH(Timer(loop, owner, [](std::string& text) { text.clear(); }),
               "a timer has to be a member of its owner");
}

TEST_F(TimerDeathTest, ArmingOneOnAnotherThreadThanTheRunningLoopsIsABug) {
  EXPECT_DEATH(
      {
        EventLoop loop;
        Owner owner(loop, [] {});
        Gate running;
        loop.Post([&] { running.Open(); });
        std::thread thread([&] { loop.Run(); });
        running.Wait();
        owner.timer.Arm(Nanoseconds(0));
      },
      "another thread than its own: use Post");
}

}  // namespace
}  // namespace belfry
