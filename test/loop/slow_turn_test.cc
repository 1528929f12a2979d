// Who tells of a turn that goes on and on.

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "belfry/event_loop.h"
#include "faults.h"
#include "loop/loop_fixture.h"
#include "sys/threads.h"
#include "waiting.h"

namespace belfry {
namespace {

constexpr Nanoseconds kSlow = std::chrono::milliseconds(20);

class SlowTurnTest : public EventLoopTest {
 protected:
  EventLoopOptions Options(const Clock* clock = nullptr) {
    return {.clock = clock, .slow_after = kSlow, .on_slow = [this](const SlowTurn& turn) {
              const std::lock_guard lock(mutex_);
              told_.push_back(turn);
            }};
  }

  std::vector<SlowTurn> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

  // In the work of a loop: hangs until somebody has been told so often.
  void HangUntilTold(std::size_t times = 1) {
    EXPECT_TRUE(Eventually([&] { return told().size() >= times; }));
  }

  static void PassTime(Nanoseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    EXPECT_TRUE(Eventually([&] { return std::chrono::steady_clock::now() > until; }));
  }

 private:
  std::mutex mutex_;
  std::vector<SlowTurn> told_;
};

TEST_F(SlowTurnTest, ACallThatHangsIsToldOfOnceWhileItHangs) {
  EventLoop loop(Options());
  const Bell bell;
  bell.Ring();
  loop.Watch(bell.fd(), Interest::kReadable, [&](Readiness) {
    HangUntilTold(1);
    PassTime(3 * kSlow);
    bell.Silence();
  });
  loop.RunOnce();
  loop.RunAfter(Nanoseconds(0), [&] { HangUntilTold(2); });
  loop.RunOnce();
  loop.Post([&] { HangUntilTold(3); });
  loop.RunOnce();

  const std::vector<SlowTurn> turns = told();
  ASSERT_EQ(turns.size(), 3U);
  EXPECT_EQ(turns[0].work, LoopWork::kDescriptor);
  EXPECT_EQ(turns[0].fd, bell.fd());
  EXPECT_EQ(turns[1].work, LoopWork::kTimers);
  EXPECT_EQ(turns[1].fd, -1);
  EXPECT_EQ(turns[2].work, LoopWork::kPosted);
  for (const SlowTurn& turn : turns) {
    EXPECT_TRUE(turn.one_call);
    EXPECT_GE(turn.running_for, kSlow);
    EXPECT_EQ(turn.thread, sys::ThreadId());
  }
}

TEST_F(SlowTurnTest, WorkThatHangsAtTheTurnsEndIsToldOf) {
  class Work final : public Runnable {
   public:
    explicit Work(std::function<void()> run) : run_(std::move(run)) {}
    void Run() override { run_(); }

   private:
    const std::function<void()> run_;
  };
  EventLoop loop(Options());
  Work hang([this] { HangUntilTold(); });
  loop.RunAtTurnEnd(hang);
  loop.RunOnce();
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0].work, LoopWork::kTurnEnd);
}

TEST_F(SlowTurnTest, ATurnOfManyCallsIsSlowAsAWhole) {
  EventLoop loop(Options());
  for (int i = 0; i < 100; ++i) {
    loop.Post([&] {
      if (told().empty()) PassTime(kSlow / 4);
    });
  }
  loop.RunOnce();
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told()[0].work, LoopWork::kPosted);
  EXPECT_FALSE(told()[0].one_call);
}

TEST_F(SlowTurnTest, ALoopThatWaitsOrDoesNotRunIsNotSlow) {
  EventLoop loop(Options());
  PassTime(3 * kSlow);
  loop.RunAfter(3 * kSlow, [&] { loop.Stop(); });
  loop.Run();
  EXPECT_TRUE(told().empty());
}

TEST_F(SlowTurnTest, ManyShortTurnsAreNotSlow) {
  EventLoop loop(Options());
  const auto until = std::chrono::steady_clock::now() + 3 * kSlow;
  while (std::chrono::steady_clock::now() < until) {
    loop.Post([] {});
    loop.RunOnce();
  }
  for (const SlowTurn& turn : told()) EXPECT_GE(turn.running_for, kSlow);  // a busy machine's
}

TEST_F(SlowTurnTest, TheTimeIsRealWhateverTheLoopsClockSays) {
  const ManualClock clock;
  EventLoop loop(Options(&clock));
  loop.Post([&] { HangUntilTold(); });
  loop.RunOnce();
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(SlowTurnTest, WhatIsLeftToTheDestructorIsWatchedToo) {
  {
    EventLoop loop(Options());
    loop.Post([&] { HangUntilTold(); });
  }
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(SlowTurnTest, WhoIsToldMayPostToTheLoop) {
  Gate told;
  EventLoop* here = nullptr;
  EventLoop loop({.slow_after = kSlow, .on_slow = [&](const SlowTurn&) {
                    here->Post([&] { ran_.emplace_back("posted"); });
                    told.Open();
                  }});
  here = &loop;
  loop.Post([&] { told.Wait(); });
  loop.RunOnce();
  loop.RunOnce();
  EXPECT_THAT(ran_, testing::ElementsAre("posted"));
}

TEST_F(SlowTurnTest, WithNobodyToTellThereIsNoThread) {
  const EventLoop silent;
  const EventLoop nobody({.slow_after = kSlow});
  const EventLoop never({.slow_after = {}, .on_slow = [](const SlowTurn&) {}});
  EXPECT_EQ(CountThreads("belfry.watch"), 0U);
  {
    const EventLoop watched(Options());
    EXPECT_TRUE(Eventually([] { return CountThreads("belfry.watch") == 1; }));
  }
  EXPECT_EQ(CountThreads("belfry.watch"), 0U);
}

TEST_F(SlowTurnTest, ALoopWhoseWatchTheSystemRefusesThrows) {
  const NoMoreThreads refusing(0);
  EXPECT_THROW(EventLoop{Options()}, std::system_error);
}

}  // namespace
}  // namespace belfry
