// How a pool's threads are woken: never too few, and no more than there is work.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "belfry/completion.h"
#include "belfry/thread_pool.h"
#include "scale.h"
#include "waiting.h"

namespace belfry {
namespace {

// How often the threads of that name went to sleep so far.
std::uint64_t Sleeps(const std::string& name) {
  std::uint64_t sleeps = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string comm;
    std::getline(std::ifstream(task.path() / "comm"), comm);
    if (comm != name) continue;
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      constexpr std::string_view kKey = "voluntary_ctxt_switches:";
      if (line.starts_with(kKey)) sleeps += std::stoull(line.substr(kKey.size()));
    }
  }
  return sleeps;
}

// All its threads run at once: none has left, and none sleeps over its work.
void ExpectAllRun(ThreadPool& pool) {
  std::atomic<unsigned> inside{0};
  const unsigned threads = pool.threads();
  const Completion<int> all;
  std::atomic<unsigned> left{0};
  for (unsigned i = 0; i < threads; ++i) {
    pool.Post([&, all] {
      if (++inside == threads) all.Finish(1);
      EXPECT_TRUE(Eventually([&] { return inside == threads; }));
      ++left;
    });
  }
  EXPECT_TRUE(all.WaitFor(kPatience));
  EXPECT_TRUE(Eventually([&] { return left == threads; }));
}

TEST(PoolWakeUpTest, OnePieceOfWorkWakesOneThreadAndNotAllOfThem) {
  constexpr int kThreads = 8;
  constexpr int kPieces = 2'000;
  ThreadPool pool({.threads = kThreads, .name = "herd"});
  ExpectAllRun(pool);
  const std::uint64_t before = Sleeps("herd");
  for (int i = 0; i < kPieces; ++i) {
    const Completion<int> done;
    pool.Post([done] { done.Finish(1); });
    ASSERT_TRUE(done.WaitFor(kPatience));
  }
  const std::uint64_t sleeps = Sleeps("herd") - before;
  // One each, and one more where it met somebody at the lock. All of them would be eight each.
  EXPECT_LE(sleeps, 3 * kPieces);
  EXPECT_GT(sleeps, 0U);
}

// Who is woken and finds that another thread was quicker waits again, and is there for the next.
TEST(PoolWakeUpTest, AThreadThatIsWokenForNothingWaitsAgain) {
  constexpr unsigned kThreads = 4;
  ThreadPool pool({.threads = kThreads, .name = "quick"});
  const int rounds = Scaled(2'000, 200'000);
  std::atomic<int> ran{0};
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 20; ++i) pool.Post([&] { ++ran; });
    if (round % 3 == 0) std::this_thread::yield();
    if (round % 200 == 0) ExpectAllRun(pool);
  }
  EXPECT_TRUE(Eventually([&] { return ran == 20 * rounds; }));
  ExpectAllRun(pool);
  EXPECT_EQ(CountThreads("quick"), kThreads);
}

// Posted from several threads while the pool's go idle, over and over.
TEST(PoolWakeUpTest, NoWakeUpIsLostWhoeverPosts) {
  constexpr int kPosters = 3;
  ThreadPool pool({.threads = 2});
  const int pieces = Scaled(5'000, 500'000);
  std::vector<std::thread> posters;
  for (int p = 0; p < kPosters; ++p) {
    posters.emplace_back([&] {
      for (int i = 0; i < pieces; ++i) {
        const Completion<int> done;
        pool.Post([done] { done.Finish(1); });
        ASSERT_TRUE(done.WaitFor(kPatience)) << "piece " << i << " was slept over";
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
}

// Waits end for their reason only: whoever waits for a value is woken by others' values too.
TEST(PoolWakeUpTest, AWaitForAValueEndsWithThatValue) {
  ThreadPool pool({.threads = 2});
  for (int round = 0; round < 500; ++round) {
    std::vector<Completion<int>> values(8);
    std::vector<std::thread> waiting;
    for (int i = 0; i < 8; ++i) {
      waiting.emplace_back([&, i] {
        EXPECT_EQ(values[static_cast<std::size_t>(i)].Wait(), i);
        EXPECT_TRUE(values[static_cast<std::size_t>(i)].finished());
      });
    }
    for (int i = 7; i >= 0; --i) {
      pool.Post([value = values[static_cast<std::size_t>(i)], i] { value.Finish(i); });
    }
    for (std::thread& thread : waiting) thread.join();
  }
}

}  // namespace
}  // namespace belfry
