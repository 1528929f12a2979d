// Executors: what is posted runs once, in order, on the right thread.

#include "belfry/executor.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "belfry/clock.h"
#include "belfry/completion.h"
#include "belfry/manual_executor.h"
#include "belfry/thread_pool.h"
#include "faults.h"
#include "waiting.h"

namespace belfry {
namespace {

TEST(ManualExecutorTest, RunsInOrderWhatWasPostedAndNothingBefore) {
  ManualExecutor executor;
  std::string order;
  executor.Post([&] { order += "a"; });
  executor.Post([&] {
    order += "b";
    executor.Post([&] { order += "d"; });
  });
  executor.Post([&] { order += "c"; });
  EXPECT_EQ(order, "");
  EXPECT_TRUE(executor.RunOne());
  EXPECT_EQ(order, "a");
  EXPECT_EQ(executor.RunUntilIdle(), 3U);
  EXPECT_EQ(order, "abcd");
  EXPECT_FALSE(executor.RunOne());
}

TEST(ManualExecutorTest, ItsDestructorRunsWhatIsLeft) {
  int ran = 0;
  {
    ManualExecutor executor;
    executor.Post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1);
}

TEST(ManualExecutorTest, RunInsideItsOwnWorkItAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        ManualExecutor executor;
        executor.Post([&] { executor.RunOne(); });
        executor.RunOne();
      },
      "inside its work");
}

TEST(ManualExecutorTest, WorkKnowsItsExecutor) {
  ManualExecutor executor;
  const Executor* seen = nullptr;
  executor.Post([&] { seen = Executor::Current(); });
  executor.RunOne();
  EXPECT_EQ(seen, &executor);
  EXPECT_EQ(Executor::Current(), nullptr);
}

TEST(ThreadPoolTest, RunsAllThatWasPostedBeforeItIsGone) {
  std::atomic<int> ran{0};
  {
    ThreadPool pool({.threads = 3});
    EXPECT_EQ(pool.threads(), 3U);
    for (int i = 0; i < 1000; ++i) {
      pool.Post([&, i] {
        ++ran;
        if (i % 10 == 0) pool.Post([&] { ++ran; });
      });
    }
  }
  EXPECT_EQ(ran, 1100);
}

TEST(ThreadPoolTest, OfOneThreadItRunsInOrder) {
  std::vector<int> order;
  {
    ThreadPool pool({.threads = 1});
    for (int i = 0; i < 1000; ++i) pool.Post([&order, i] { order.push_back(i); });
  }
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<int>(i));
}

TEST(ThreadPoolTest, NoWakeUpIsLostBetweenIdleAndBusy) {
  ThreadPool pool({.threads = 2});
  for (int i = 0; i < 20'000; ++i) {
    const Completion<int> done;
    pool.Post([done, i] { done.Finish(i); });
    ASSERT_TRUE(done.WaitFor(kPatience));
  }
}

TEST(ThreadPoolTest, WorkMayWaitOnItsThreadUnlessOtherWorkWaitsForOne) {
  Gate started;
  Gate go_on;
  Gate waited;
  ThreadPool pool({.threads = 1});
  EXPECT_GT(pool.patience(), Nanoseconds::zero());
  pool.Post([&] {
    started.Open();
    go_on.Wait();
  });
  started.Wait();
  EXPECT_GT(pool.patience(), Nanoseconds::zero()) << "it runs";
  pool.Post([&] { waited.Open(); });
  EXPECT_EQ(pool.patience(), Nanoseconds::zero());
  go_on.Open();
  waited.Wait();
  EXPECT_GT(pool.patience(), Nanoseconds::zero());
}

TEST(ThreadPoolTest, ItsThreadsAreNamedAndBlockAllSignals) {
  ThreadPool pool({.threads = 1, .name = "kitchen"});
  const Completion<std::string> name;
  const Completion<bool> blocked;
  pool.Post([name, blocked] {
    char text[16] = {};
    pthread_getname_np(pthread_self(), text, sizeof(text));
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    name.Finish(text);
    blocked.Finish(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1);
  });
  EXPECT_EQ(name.Wait(), "kitchen");
  EXPECT_TRUE(blocked.Wait());
  EXPECT_EQ(CountThreads("kitchen"), 1U);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0) << "the starting thread's own mask is restored";
}

TEST(ThreadPoolTest, SpareThreadsTakeOverWhenAllOthersWaitUpToTheirLimit) {
  std::atomic<unsigned> told{0};
  std::atomic<int> waiting{0};
  ThreadPool pool({.threads = 2, .spare_max = 2, .name = "busy"});
  const auto hook =
      pool.OnSpareThread([&](unsigned running) { told = std::max(told.load(), running); });
  const Completion<int> last;
  // Each waits for the last one; only spare threads can get that far.
  for (int i = 0; i < 3; ++i) {
    pool.Post([&waiting, last] {
      ++waiting;
      EXPECT_TRUE(last.WaitFor(kPatience));
    });
  }
  pool.Post([last] { last.Finish(1); });
  EXPECT_TRUE(last.WaitFor(kPatience));
  EXPECT_EQ(waiting, 3);
  EXPECT_GE(told, 1U);
  EXPECT_LE(CountThreads("busy"), 4U);
}

// The work of one pool thread that must not be mistaken for one that waits.
TEST(ThreadPoolTest, NobodyWhoWaitsNoMoreOrOnlyOnceCallsForASpareThread) {
  std::atomic<unsigned> told{0};
  std::atomic<bool> ran{false};
  ThreadPool pool({.threads = 2, .spare_max = 2, .name = "calm"});
  const auto hook = pool.OnSpareThread([&](unsigned) { ++told; });
  Gate busy_started;
  Gate go_on;
  pool.Post([&] {
    busy_started.Open();
    go_on.Wait();  // busy, as far as the pool knows
  });
  busy_started.Wait();
  const Completion<int> looked;
  pool.Post([&] {
    {
      const BlockingScope once;
      const BlockingScope twice;  // still one thread
      pool.Post([&] { ran = true; });
    }
    pool.Post([] {});
    for (int i = 0; i < 3; ++i) {
      const BlockingScope again;
      pool.Post([] {});
    }
    looked.Finish(1);
    go_on.Wait();
  });
  EXPECT_TRUE(looked.WaitFor(kPatience));
  EXPECT_EQ(CountThreads("calm"), 2U);
  EXPECT_FALSE(ran);
  go_on.Open();
  EXPECT_TRUE(Eventually([&] { return ran.load(); }));
  EXPECT_EQ(told, 0U);
}

TEST(ThreadPoolTest, WhoNoLongerWantsToHearOfSpareThreadsHearsNothing) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  ThreadPool pool({.threads = 1, .spare_max = 1});
  auto hook = pool.OnSpareThread([&](unsigned) { ++first; });
  const auto other = pool.OnSpareThread([&](unsigned) { ++second; });
  const auto need_one = [&] {
    const Completion<int> done;
    pool.Post([done] { EXPECT_TRUE(done.WaitFor(kPatience)); });
    pool.Post([done] { done.Finish(1); });
    EXPECT_TRUE(done.WaitFor(kPatience));
  };
  need_one();
  EXPECT_TRUE(Eventually([&] { return first == 1 && second == 1; }));
  hook.reset();
  EXPECT_TRUE(Eventually([&] {
    need_one();
    return second > 1;
  }));
  EXPECT_EQ(first, 1);
}

TEST(ThreadPoolTest, SeveralThreadsMayAskToHearOfSpareThreadsAtOnce) {
  ThreadPool pool({.threads = 1, .spare_max = 1});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto one = pool.OnSpareThread([](unsigned) {});
        const auto two = pool.OnSpareThread([](unsigned) {});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ThreadPoolTest, HooksForSpareThreadsMayComeAndGoWhileTheyAreTold) {
  ThreadPool pool({.threads = 1, .spare_max = 1});
  std::atomic<bool> stop{false};
  std::atomic<int> told{0};
  std::thread changing([&] {
    while (!stop) {
      const auto one = pool.OnSpareThread([&](unsigned) { ++told; });
      const auto two = pool.OnSpareThread([&](unsigned) { ++told; });
      std::this_thread::yield();
    }
  });
  EXPECT_TRUE(Eventually([&] {
    const Completion<int> done;
    pool.Post([done] { EXPECT_TRUE(done.WaitFor(kPatience)); });
    pool.Post([done] { done.Finish(1); });
    EXPECT_TRUE(done.WaitFor(kPatience));
    return told > 20;
  }));
  stop = true;
  changing.join();
}

TEST(ThreadPoolTest, WhenTheSystemRefusesAThreadItsConstructorThrowsAndLeavesNone) {
  for (int allowed = 0; allowed < 4; ++allowed) {
    const NoMoreThreads refusing(allowed);
    EXPECT_THROW(ThreadPool({.threads = 4}), std::system_error);
    EXPECT_TRUE(Eventually([] { return CountThreads() == 0; }));
  }
}

TEST(ThreadPoolTest, WhenTheSystemRefusesASpareThreadTheWorkStaysQueued) {
  std::atomic<bool> ran{false};
  {
    ThreadPool pool({.threads = 1});
    const NoMoreThreads refusing(0);
    const Completion<int> never;
    pool.Post([never] { EXPECT_FALSE(never.WaitFor(std::chrono::milliseconds(20))); });
    pool.Post([&] { ran = true; });
    EXPECT_TRUE(Eventually([&] { return ran.load(); }));
  }
}

TEST(ThreadPoolTest, AfterARefusedSpareThreadTheNextNeedGetsOne) {
  const Completion<int> done;
  ThreadPool pool({.threads = 1, .spare_max = 1});
  {
    const NoMoreThreads refusing(0);
    const Completion<int> tried;
    pool.Post([tried, &pool] {
      pool.Post([] {});
      const Completion<int> never;
      EXPECT_FALSE(never.WaitFor(std::chrono::milliseconds(5)));
      tried.Finish(1);
    });
    EXPECT_TRUE(tried.WaitFor(kPatience));
  }
  pool.Post([done] { EXPECT_TRUE(done.WaitFor(kPatience)); });
  pool.Post([done] { done.Finish(1); });
  EXPECT_TRUE(done.WaitFor(kPatience / 2));
}

TEST(ThreadPoolTest, WorkThatPostsAndWaitsWhileThePoolEndsIsRunToItsEnd) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    {
      ThreadPool pool({.threads = 2});
      pool.Post([&pool, &ran] {
        for (int i = 0; i < 20; ++i) std::this_thread::yield();  // the other thread is idle by now
        const Completion<int> inner;
        pool.Post([inner, &ran] {
          ++ran;
          inner.Finish(1);
        });
        EXPECT_TRUE(inner.WaitFor(kPatience));
        ++ran;
      });
    }
    ASSERT_EQ(ran, 2);
  }
}

TEST(ThreadPoolTest, DestroyedOnItsOwnThreadItAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        auto pool = std::make_unique<ThreadPool>(ThreadPoolOptions{.threads = 1});
        const Completion<int> never;
        pool->Post([&] { pool.reset(); });
        never.Wait();
      },
      "destroyed on one of its threads");
}

TEST(ClockTest, AManualClockMovesOnlyWhenMoved) {
  ManualClock clock;
  const SteadyTime start = clock.Now();
  EXPECT_EQ(clock.Now(), start);
  clock.Advance(std::chrono::hours(1));
  EXPECT_EQ(clock.Now() - start, std::chrono::hours(1));
  EXPECT_EQ(clock.WallNow().time_since_epoch(), std::chrono::hours(1));
}

TEST(ClockTest, TimeAfterNeverOverflows) {
  const SteadyTime now = Clock::Real().Now();
  EXPECT_EQ(TimeAfter(now, Nanoseconds::max()), SteadyTime::max());
  EXPECT_EQ(TimeAfter(now, Nanoseconds(5)), now + Nanoseconds(5));
  EXPECT_EQ(TimeAfter(now, Nanoseconds(-5)), now - Nanoseconds(5));
  EXPECT_EQ(TimeAfter(SteadyTime(Nanoseconds(-1)), Nanoseconds::min()), SteadyTime::min());
  EXPECT_EQ(TimeAfter(SteadyTime(Nanoseconds(-1)), Nanoseconds(3)), SteadyTime(Nanoseconds(2)));
}

// A spinning thread takes work that it was not woken for, and ends like any other.
TEST(ThreadPoolTest, IdleThreadsThatSpinRunEverythingAndEndAtOnce) {
  for (const Nanoseconds spin :
       {Nanoseconds(1), Nanoseconds(std::chrono::microseconds(50)), Nanoseconds::max()}) {
    std::atomic<int> ran{0};
    {
      ThreadPool pool({.threads = 2, .spin = spin});
      for (int i = 0; i < 1'000; ++i) {
        pool.Post([&] { ++ran; });
        if (i % 100 != 0) continue;
        EXPECT_TRUE(Eventually([&] { return ran == i + 1; }));
      }
    }
    EXPECT_EQ(ran, 1'000);
  }
}

}  // namespace
}  // namespace belfry
