#include "belfry/event_loop.h"

#include <atomic>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "faults.h"
#include "loop/loop_fixture.h"
#include "waiting.h"

namespace belfry {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;

TEST_F(EventLoopTest, ATurnRunsDescriptorsThenTimersThenPostedWork) {
  EventLoop loop;
  const Bell bell;
  bell.Ring();
  loop.Post([&] { ran_.emplace_back("posted"); });
  loop.RunAfter(Nanoseconds(0), [&] { ran_.emplace_back("timer"); });
  loop.Watch(bell.fd(), Interest::kReadable, [&](Readiness) { ran_.emplace_back("descriptor"); });
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("descriptor", "timer", "posted"));
}

TEST_F(EventLoopTest, WorkThatPostedWorkPostsWaitsForTheNextTurn) {
  EventLoop loop;
  loop.Post([&] {
    ran_.emplace_back("first");
    loop.Post([&] { ran_.emplace_back("third"); });
  });
  loop.Post([&] { ran_.emplace_back("second"); });
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("first", "second"));
  loop.RunOnce(kPatience);  // does not wait: there is work
  EXPECT_THAT(ran_, ElementsAre("first", "second", "third"));
}

TEST_F(EventLoopTest, AStopBeforeRunLetsItReturnAfterOneTurn) {
  EventLoop loop;
  loop.Post([&] { ran_.emplace_back("once"); });
  loop.Stop();
  loop.Run();
  EXPECT_THAT(ran_, ElementsAre("once"));
}

TEST_F(EventLoopTest, StopFromAnotherThreadWakesTheLoop) {
  EventLoop loop;
  Gate running;
  std::thread thread([&] {
    loop.Post([&] { running.Open(); });
    loop.Run();
  });
  running.Wait();
  loop.Stop();
  thread.join();
}

TEST_F(EventLoopTest, EverySinglePostWakesASleepingLoop) {
  constexpr int kRounds = 20000;
  EventLoop loop;
  std::thread thread([&] { loop.Run(); });
  std::atomic<int> answered{0};
  for (int round = 1; round <= kRounds; ++round) {
    loop.Post([&] { ++answered; });
    ASSERT_TRUE(Eventually([&] { return answered == round; })) << "a wake-up was lost";
  }
  loop.Stop();
  thread.join();
}

TEST_F(EventLoopTest, WorkOfEachThreadRunsOnTheLoopInTheOrderOfPosting) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  EventLoop loop;
  std::thread runner([&] { loop.Run(); });
  std::vector<int> next(kThreads, 0);
  bool in_order = true;
  std::vector<std::thread> posters;
  for (std::size_t t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop.Post([&, t, i] { in_order = in_order && loop.in_loop_thread() && next[t]++ == i; });
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  loop.Post([&] { loop.Stop(); });
  runner.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, std::vector<int>(kThreads, kEach));
}

TEST_F(EventLoopTest, TheDestructorRunsWhatWasPosted) {
  {
    EventLoop loop;
    loop.Post([&, &loop = loop] {
      ran_.emplace_back("first");
      loop.Post([&] { ran_.emplace_back("second"); });
    });
  }
  EXPECT_THAT(ran_, ElementsAre("first", "second"));
}

TEST_F(EventLoopTest, CallbacksRunAsWorkOfTheLoopWhichMustNotWait) {
  EventLoop loop;
  EXPECT_FALSE(loop.may_block());
  Executor* seen[3] = {};
  const Bell bell;
  bell.Ring();
  loop.Watch(bell.fd(), Interest::kReadable, [&](Readiness) { seen[0] = Executor::Current(); });
  loop.RunAfter(Nanoseconds(0), [&] { seen[1] = Executor::Current(); });
  loop.Post([&] { seen[2] = Executor::Current(); });
  loop.RunOnce();
  EXPECT_THAT(seen, ElementsAre(&loop, &loop, &loop));
  EXPECT_EQ(Executor::Current(), nullptr);
}

TEST_F(EventLoopTest, ATimerWaitsItsTimeInOneWait) {
  const FailNth count(sys::Call::kEpollWait, 0, 0);
  EventLoop loop;
  const auto begin = std::chrono::steady_clock::now();
  loop.RunAfter(std::chrono::microseconds(20300), [&] { loop.Stop(); });
  loop.Run();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::microseconds(20300));
  EXPECT_LE(count.calls(), 2) << "the loop spun up to the deadline";
}

TEST_F(EventLoopTest, AnIdleLoopDoesNotWakeUp) {
  EventLoop idle;
  const Bell bell;
  idle.Watch(bell.fd(), Interest::kReadable, [](Readiness) {});
  const FailNth count(sys::Call::kEpollWait, 0, 0);
  std::thread thread([&] { idle.Run(); });
  ASSERT_TRUE(Eventually([&] { return count.calls() == 1; }));
  const auto until = std::chrono::steady_clock::now() + milliseconds(200);
  ASSERT_TRUE(Eventually([&] { return std::chrono::steady_clock::now() > until; }));
  EXPECT_EQ(count.calls(), 1);
  idle.Stop();
  thread.join();
}

TEST_F(EventLoopTest, OnAManualClockTimersRunWhenItIsMoved) {
  ManualClock clock;
  EventLoop loop(clock);
  int every = 0;
  loop.RunAfter(hours(1), [&] { ran_.emplace_back("hour"); });
  const TimerId cancelled = loop.RunAfter(hours(1), [&] { ran_.emplace_back("cancelled"); });
  loop.RunEvery(
      std::chrono::minutes(20), [&] { ++every; }, 2);
  EXPECT_TRUE(loop.Cancel(cancelled));
  EXPECT_FALSE(loop.Cancel(cancelled));
  loop.RunOnce(hours(1));  // does not block on a time that nobody moves
  EXPECT_TRUE(ran_.empty());
  clock.Advance(std::chrono::minutes(20));
  loop.RunOnce();
  clock.Advance(std::chrono::minutes(40));
  loop.RunOnce();
  clock.Advance(hours(1));
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("hour"));
  EXPECT_EQ(every, 2);
}

TEST_F(EventLoopTest, ARunningLoopNoticesThatAManualClockWasMoved) {
  ManualClock clock;
  EventLoop loop(clock);
  loop.RunAfter(hours(1), [&] { loop.Stop(); });
  std::thread thread([&] { loop.Run(); });
  clock.Advance(hours(1));
  thread.join();
}

TEST_F(EventLoopTest, DelaysBeyondTheEndOfTimeAreForEver) {
  EventLoop loop;
  loop.RunAfter(Nanoseconds::max(), [&] { ran_.emplace_back("never"); });
  loop.RunAfter(Nanoseconds::min(), [&] { ran_.emplace_back("at once"); });
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("at once"));
}

TEST_F(EventLoopTest, WhatACallbackThrowsPassesThroughAndTheLoopGoesOn) {
  EventLoop loop;
  const Bell bells[2];
  WatchId watches[2];
  for (int i = 0; i < 2; ++i) {
    bells[i].Ring();
    watches[i] = loop.Watch(bells[i].fd(), Interest::kReadable, [&, i](Readiness) {
      loop.Unwatch(watches[i]);
      throw std::runtime_error("watch");
    });
  }
  loop.RunAfter(Nanoseconds(0), [] { throw std::logic_error("timer"); });
  loop.Post([&] { ran_.emplace_back("posted"); });
  EXPECT_THROW(loop.RunOnce(), std::runtime_error);
  EXPECT_THROW(loop.Run(), std::runtime_error);
  EXPECT_EQ(Executor::Current(), nullptr);
  EXPECT_THROW(loop.RunOnce(), std::logic_error);
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("posted"));
}

TEST_F(EventLoopTest, AnInterruptedWaitIsNoReadiness) {
  EventLoop loop;
  const FailNth interrupt(sys::Call::kEpollWait, 1, EINTR);
  loop.Post([&] { loop.Stop(); });
  loop.Run();
  EXPECT_TRUE(interrupt.hit());
}

TEST_F(EventLoopTest, AnInterruptedWakeUpIsRepeated) {
  for (const sys::Call call : {sys::Call::kRead, sys::Call::kWrite}) {
    EventLoop loop;
    const FailNth waits(sys::Call::kEpollWait, 0, 0);
    std::thread thread([&] { loop.Run(); });
    ASSERT_TRUE(Eventually([&] { return waits.calls() == 1; }));
    const FailNth interrupt(call, 1, EINTR);
    loop.Stop();
    thread.join();
  }
}

TEST_F(EventLoopTest, ALoopThatTheSystemRefusesThrows) {
  for (const sys::Call call :
       {sys::Call::kEpollCreate, sys::Call::kEventfd, sys::Call::kEpollAdd}) {
    const FailNth fail(call, 1, EMFILE);
    EXPECT_THROW(EventLoop(), std::system_error);
  }
}

TEST_F(EventLoopTest, OneThreadMayPrepareALoopAnotherRunItAndAThirdClearUp) {
  const Bell bell;
  auto loop = std::make_unique<EventLoop>();
  const WatchId watch = loop->Watch(bell.fd(), Interest::kReadable, [&](Readiness) {
    EXPECT_TRUE(loop->in_loop_thread());
    loop->Stop();
  });
  EXPECT_TRUE(loop->in_loop_thread());
  bell.Ring();
  std::thread([&] { loop->Run(); }).join();
  EXPECT_FALSE(loop->in_loop_thread());
  loop->Unwatch(watch);
  EXPECT_TRUE(loop->in_loop_thread());
}

class EventLoopDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(EventLoopDeathTest, UsingARunningLoopOnAnotherThreadIsABug) {
  EXPECT_DEATH(
      {
        EventLoop loop;
        Gate running;
        loop.Post([&] { running.Open(); });
        std::thread thread([&] { loop.Run(); });
        running.Wait();
        loop.RunAfter(Nanoseconds(0), [] {});
      },
      "another thread than its own: use Post");
}

TEST_F(EventLoopDeathTest, RunningALoopInsideItselfIsABug) {
  EXPECT_DEATH(
      {
        EventLoop loop;
        loop.RunAfter(Nanoseconds(0), [&] { loop.RunOnce(); });
        loop.RunOnce();
      },
      "run by work that runs on it");
}

TEST_F(EventLoopDeathTest, WhatPostedWorkThrowsEndsTheProgram) {
  EXPECT_DEATH(
      {
        EventLoop loop;
        loop.Post([] { throw std::runtime_error("nobody to go to"); });
        loop.RunOnce();
      },
      "");
}

}  // namespace
}  // namespace belfry
