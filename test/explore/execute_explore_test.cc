// Executors and completions under every schedule.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "belfry/completion.h"
#include "belfry/manual_executor.h"
#include "belfry/thread_pool.h"
#include "explore/exploring.h"
#include "sync/sync.h"

namespace belfry::explore {
namespace {

// --- ThreadPool ---

TEST(ThreadPoolExplored, APostWakesAThreadThatIsJustParking) {
  ExpectSafe([] {
    ThreadPool pool({.threads = 1});
    for (int i = 0; i < 2; ++i) {
      const Completion<int> done;
      pool.Post([done, i] { done.Finish(i); });
      EXPLORE_REQUIRE(done.Wait() == i);
    }
  });
}

TEST(ThreadPoolExplored, PostsOfTwoThreadsWakeTwo) {
  ExpectSafe(
      [] {
        sync::Atomic<int> ran{0};
        {
          ThreadPool pool({.threads = 2});
          const auto post = [&] { pool.Post([&] { ran.fetch_add(1); }); };
          Together({post, post});
        }
        EXPLORE_REQUIRE(ran.load() == 2);
      },
      {.preemptions = 1});
}

TEST(ThreadPoolExplored, TwoThatNeedEachOtherRunAtOnce) {
  // Each waits for the other one: both threads must have been woken.
  ExpectSafe(
      [] {
        const Completion<int> first;
        const Completion<int> second;
        ThreadPool pool({.threads = 2, .spare_max = 0});
        pool.Post([&] {
          first.Finish(1);
          second.Wait();
        });
        pool.Post([&] {
          second.Finish(2);
          first.Wait();
        });
        first.Wait();
        second.Wait();
      },
      {.preemptions = 1});
}

TEST(ThreadPoolExplored, WhatRunningWorkPostsWhileThePoolEndsIsRun) {
  ExpectSafe([] {
    sync::Atomic<int> ran{0};
    {
      ThreadPool pool({.threads = 2});
      pool.Post([&] {
        pool.Post([&] { ran.fetch_add(1); });
        ran.fetch_add(1);
      });
    }
    EXPLORE_REQUIRE(ran.load() == 2);
  });
}

TEST(ThreadPoolExplored, WorkThatWaitsWhileThePoolEndsGetsWhatItWaitsFor) {
  ExpectSafe([] {
    sync::Atomic<int> ran{0};
    {
      ThreadPool pool({.threads = 2, .spare_max = 0});
      pool.Post([&] {
        const Completion<int> inner;
        pool.Post([&ran, inner] {
          ran.fetch_add(1);
          inner.Finish(1);
        });
        inner.Wait();
        ran.fetch_add(1);
      });
    }
    EXPLORE_REQUIRE(ran.load() == 2);
  });
}

TEST(ThreadPoolExplored, ASpareThreadTakesOverWhenTheOnlyOneWaits) {
  ExpectSafe([] {
    const Completion<int> done;
    ThreadPool pool({.threads = 1, .spare_max = 1});
    pool.Post([done] { done.Wait(); });
    pool.Post([done] { done.Finish(1); });
    done.Wait();
  });
}

TEST(ThreadPoolExplored, SpareThreadsTakeOverFromSpareThreads) {
  ExpectSafe(
      [] {
        const Completion<int> done;
        ThreadPool pool({.threads = 1, .spare_max = 2});
        pool.Post([done] { done.Wait(); });
        pool.Post([done] { done.Wait(); });
        pool.Post([done] { done.Finish(1); });
      },
      {.preemptions = 1});
}

TEST(ThreadPoolExplored, WhatASpareThreadTakesWaitsNoMore) {
  ExpectSafe(
      [] {
        const Completion<int> done;
        sync::Atomic<int> ran{0};
        ThreadPool pool({.threads = 1, .spare_max = 1});
        pool.Post([done] { done.Wait(); });
        for (int i = 0; i < 2; ++i) {
          pool.Post([&ran, done] {
            if (ran.fetch_add(1) == 1) done.Finish(1);
          });
        }
        done.Wait();
        EXPLORE_REQUIRE(pool.patience() > Nanoseconds::zero());
      },
      {.preemptions = 2, .delays = 0, .spurious = 0, .timeouts = 0});
}

// --- Completion ---

TEST(CompletionExplored, AWaitSeesTheValue) {
  ExpectSafe([] {
    const Completion<int> answer;
    Together({[&] { answer.Finish(42); }, [&] { EXPLORE_REQUIRE(answer.Wait() == 42); }});
  });
}

TEST(CompletionExplored, OfTwoValuesExactlyOneWins) {
  ExpectSafe([] {
    const Completion<int> answer;
    sync::Atomic<int> won{0};
    const auto finish = [&](int value) {
      if (answer.Finish(value)) won.fetch_add(value);
    };
    Together({[&] { finish(1); }, [&] { finish(2); },
              [&] { EXPLORE_REQUIRE(answer.Wait() == 1 || answer.Wait() == 2); }});
    EXPLORE_REQUIRE(won.load() == answer.value());
  });
}

TEST(CompletionExplored, WhoAsksIsToldOnceAndInOrder) {
  ExpectSafe([] {
    const Completion<int> answer;
    std::string told;  // by one thread at a time, or the order would mean nothing
    sync::Mutex mutex;
    const auto tell = [&](char who) {
      return [&told, &mutex, who](int value) {
        EXPLORE_REQUIRE(value == 7);
        const sync::Lock lock(mutex);
        told += who;
      };
    };
    Together({[&] { answer.Finish(7); },
              [&] {
                answer.Then(tell('a'));
                answer.Then(tell('b'));
              }});
    EXPLORE_REQUIRE(told == "ab");
  });
}

TEST(CompletionExplored, ATimedWaitIsRightAboutHowItEnded) {
  ExpectSafe([] {
    const Completion<int> answer;
    Together({[&] { answer.Finish(1); },
              [&] {
                const bool in_time = answer.WaitFor(std::chrono::hours(1));
                if (in_time) EXPLORE_REQUIRE(answer.value() == 1);
              }});
    EXPLORE_REQUIRE(answer.WaitFor(Nanoseconds::zero()));
  });
}

// --- ManualExecutor ---

TEST(ManualExecutorExplored, WhatIsPostedWhileItRunsIsRunOnce) {
  ExpectSafe([] {
    ManualExecutor executor;
    sync::Atomic<int> ran{0};
    const auto post = [&] { executor.Post([&] { ran.fetch_add(1); }); };
    Together({post, post, [&] { executor.RunUntilIdle(); }});
    executor.RunUntilIdle();
    EXPLORE_REQUIRE(ran.load() == 2);
  });
}

}  // namespace
}  // namespace belfry::explore
