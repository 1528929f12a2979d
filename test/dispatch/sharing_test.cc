// What every publish writes is its thread's own, to the cache line: nobody waits for another's.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "dispatch/thread_record.h"
#include "waiting.h"

namespace belfry {
namespace {

template <int kNumber>
struct Tick {};

constexpr std::uintptr_t kLine = 64;

TEST(SharingTest, TwoThreadsThatPublishWriteNoCacheLineInCommon) {
  constexpr int kThreads = 8;
  Dispatcher dispatcher({.pool = {.threads = 1}});
  std::vector<Subscription> listeners;
  std::atomic<int> published{0};
  Gate go_on;
  const auto run = [&]<int... n>(std::integer_sequence<int, n...>) {
    (listeners.push_back(
         dispatcher.Subscribe([](const Tick<n>&) {}, {.run = belfry::Run::kInline})),
     ...);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        const bool all = (dispatcher.Publish(Tick<n>{}).ok() && ...);
        EXPECT_TRUE(all);
        ++published;
        go_on.Wait();
      });
    }
    EXPECT_TRUE(Eventually([&] { return published == kThreads; }));

    std::map<std::uintptr_t, const ThreadRecord*> writer;  // of each line
    int counts = 0;
    const auto writes = [&](const ThreadRecord& thread, const void* what, std::size_t size) {
      const auto begin = reinterpret_cast<std::uintptr_t>(what);
      for (std::uintptr_t line = begin / kLine; line <= (begin + size - 1) / kLine; ++line) {
        const auto [place, fresh] = writer.emplace(line, &thread);
        EXPECT_TRUE(fresh || place->second == &thread) << "two threads write one line";
      }
    };
    for (const ThreadRecord* thread = ThreadRecord::First(); thread != nullptr;
         thread = thread->next) {
      writes(*thread, &thread->outermost, sizeof(thread->outermost));
      for (std::size_t topic = 0; topic < PassCounts::kPageSize; ++topic) {
        if (const PassCount* const count = thread->counts.Find(topic)) {
          writes(*thread, count, sizeof(*count));
          counts += count->passes.load(std::memory_order_relaxed) > 0;
        }
      }
    }
    EXPECT_GE(counts, kThreads) << "what is looked at must be what is counted";
    go_on.Open();
    for (std::thread& thread : threads) thread.join();
  };
  run(std::make_integer_sequence<int, 4>{});
}

// The sum is of all threads: nothing that one of them counted is missing.
TEST(SharingTest, WhatEachThreadCountsForItselfAddsUp) {
  constexpr int kThreads = 8;
  constexpr int kEvents = 20'000;
  Dispatcher dispatcher({.pool = {.threads = 1}});
  const Subscription listener =
      dispatcher.Subscribe([](const Tick<0>&) {}, {.run = belfry::Run::kInline});
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEvents; ++n) EXPECT_TRUE(dispatcher.Publish(Tick<0>{}));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Stats stats = dispatcher.GetStats();
  ASSERT_EQ(stats.listeners.size(), 1U);
  EXPECT_EQ(stats.listeners[0].deliveries.handled, std::uint64_t{kThreads} * kEvents);
}

}  // namespace
}  // namespace belfry
