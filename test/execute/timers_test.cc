// Those who call back later.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "belfry/manual_timers.h"
#include "execute/timer_thread.h"
#include "waiting.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ManualTimersTest, WhatIsDueIsCalledInTheOrderOfTheDeadlines) {
  ManualTimers timers;
  std::vector<int> called;
  const auto call = [&](int number) { return [&called, number] { called.push_back(number); }; };
  timers.RunAfter(seconds(3), call(3));
  timers.RunAfter(seconds(1), call(1));
  timers.RunAfter(seconds(2), call(2));
  timers.RunAfter(seconds(2), call(22));
  EXPECT_EQ(timers.next(), seconds(1));
  EXPECT_EQ(timers.Advance(seconds(2)), 3U);
  EXPECT_EQ(called, (std::vector<int>{1, 2, 22}));
  EXPECT_EQ(timers.next(), seconds(1));
  EXPECT_EQ(timers.Advance(seconds(10)), 1U);
  EXPECT_EQ(timers.next(), std::nullopt);
}

TEST(ManualTimersTest, WhatIsArmedMeanwhileIsCalledAtItsTime) {
  ManualTimers timers;
  const SteadyTime start = timers.clock().Now();
  std::vector<Nanoseconds> at;
  std::function<void()> tick = [&] {
    at.push_back(timers.clock().Now() - start);
    if (at.size() < 3) timers.RunAfter(seconds(1), tick);
  };
  timers.RunAfter(seconds(1), tick);
  EXPECT_EQ(timers.Advance(seconds(10)), 3U);
  EXPECT_EQ(at, (std::vector<Nanoseconds>{seconds(1), seconds(2), seconds(3)}));
  EXPECT_EQ(timers.clock().Now() - start, seconds(10));
}

TEST(ManualTimersTest, DelaysWithoutSenseAreCalledAtOnceOrNever) {
  ManualTimers timers;
  int called = 0;
  timers.RunAfter(Nanoseconds(-1), [&] { ++called; });
  timers.RunAfter(Nanoseconds::min(), [&] { ++called; });
  timers.RunAfter(Nanoseconds::max(), [&] { called += 10; });
  EXPECT_EQ(timers.Advance({}), 2U);
  EXPECT_EQ(timers.Advance(seconds(1'000'000)), 0U);
  EXPECT_EQ(called, 2);
}

TEST(ManualTimersTest, WhatIsCancelledIsNotCalledAndLetGo) {
  ManualTimers timers;
  const auto held = std::make_shared<int>();
  const TimerId timer = timers.RunAfter(seconds(1), [held] { FAIL(); });
  EXPECT_TRUE(timers.Cancel(timer));
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(timers.Cancel(timer));
  EXPECT_FALSE(timers.Cancel(TimerId{}));
  EXPECT_EQ(timers.Advance(seconds(2)), 0U);
}

TEST(TimerThreadTest, StartsWithTheFirstTimerAndCallsEach) {
  const std::size_t before = CountThreads();
  TimerThread timers;
  EXPECT_EQ(CountThreads(), before);
  std::atomic<int> called{0};
  for (int i = 0; i < 100; ++i) timers.RunAfter(milliseconds(i % 10), [&] { ++called; });
  EXPECT_TRUE(Eventually([&] { return called == 100; }));
  EXPECT_EQ(CountThreads(), before + 1);
  timers.Stop();
  EXPECT_TRUE(Eventually([&] { return CountThreads() == before; }));
}

TEST(TimerThreadTest, AnEarlierTimerIsNotHeldUpByALaterOne) {
  TimerThread timers;
  const TimerId late = timers.RunAfter(std::chrono::hours(1), [] { FAIL(); });
  Gate called;
  timers.RunAfter(milliseconds(1), [&] { called.Open(); });
  called.Wait();
  EXPECT_TRUE(timers.Cancel(late));
  EXPECT_FALSE(timers.Cancel(late));
}

TEST(TimerThreadTest, ACallMayArmAndCancel) {
  TimerThread timers;
  Gate done;
  TimerId other = timers.RunAfter(std::chrono::hours(1), [] { FAIL(); });
  std::atomic<int> left{100};
  std::function<void()> again = [&] {
    if (--left > 0) {
      timers.RunAfter({}, again);
    } else {
      EXPECT_TRUE(timers.Cancel(other));
      done.Open();
    }
  };
  timers.RunAfter({}, again);
  done.Wait();
}

TEST(TimerThreadTest, AfterStopNothingIsCalledAndEverythingLetGo) {
  TimerThread timers;
  const auto held = std::make_shared<int>();
  timers.RunAfter(std::chrono::hours(1), [held] { FAIL(); });
  timers.Stop();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(timers.RunAfter({}, [held] { FAIL(); }));
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TimerThreadTest, ACallMayArmWhileItIsStopped) {
  TimerThread timers;
  Gate running;
  timers.RunAfter({}, [&] {
    running.Open();
    while (timers.RunAfter(std::chrono::hours(1), [] {})) std::this_thread::yield();
  });
  running.Wait();
  timers.Stop();
}

TEST(TimerThreadTest, ManyThreadsArmAndCancelAtOnce) {
  TimerThread timers;
  std::atomic<int> called{0};
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const TimerId timer = timers.RunAfter(std::chrono::microseconds(i % 50), [&] { ++called; });
        if (i % 3 == 0 && timers.Cancel(timer)) ++cancelled;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(Eventually([&] { return called + cancelled == 4000; }));
}

}  // namespace
}  // namespace belfry
