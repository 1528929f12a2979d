// What posting takes, and what it leaves.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "belfry/event_loop.h"
#include "dispatch/counting_allocator.h"

namespace belfry {
namespace {

TEST(PostMemoryTest, InTheLongRunAPostAllocatesNothing) {
  EventLoop loop;
  std::uint64_t sum = 0;
  const auto owner = std::make_shared<int>(1);
  const auto round = [&] {
    for (int i = 0; i < 100; ++i) {
      loop.Post([&sum, i] { sum += static_cast<unsigned>(i); });
      loop.Post([&sum, owner] { sum += static_cast<unsigned>(*owner); });
      loop.Post(std::function<void()>([&sum] { ++sum; }));
      loop.Post([&sum, many = std::array<char, 900>{1}] { sum += static_cast<unsigned>(many[0]); });
    }
    loop.RunOnce();
    loop.RunOnce();
  };
  for (int i = 0; i < 100; ++i) round();
  const std::uint64_t before = Allocations();
  for (int i = 0; i < 1000; ++i) round();
  EXPECT_EQ(Allocations(), before);
}

TEST(PostMemoryTest, WhatABurstTookIsGivenBackButFor256KiB) {
  constexpr int kBurst = 100'000;
  EventLoop loop;
  int ran = 0;
  const std::int64_t before = LiveBytes();
  for (int i = 0; i < kBurst; ++i) loop.Post([&ran] { ++ran; });
  EXPECT_GT(LiveBytes() - before, 2'000'000);
  while (ran < kBurst) {
    loop.RunOnce();
    const auto left = static_cast<std::int64_t>(kBurst - ran);
    EXPECT_LT(LiveBytes() - before, left * 48 + 300 * 1024);
  }
}

TEST(PostMemoryTest, ALoopThatIsGoneLeavesNothing) {
  const auto use_a_loop = [] {
    EventLoop loop;
    for (int i = 0; i < 10'000; ++i) loop.Post([text = std::string(100, 'x')] {});
    loop.RunOnce();
  };
  use_a_loop();  // the first one makes what stays with the process
  const std::int64_t before = LiveBlocks();
  use_a_loop();
  EXPECT_EQ(LiveBlocks(), before);
}

// Whichever allocation fails.
template <class Closure>
void PostWithoutMemory(Closure make) {
  bool failed = true;
  for (std::uint64_t nth = 1; failed; ++nth) {
    EventLoop loop;
    int ran = 0;
    auto closure = make(ran);
    FailAllocation(nth);
    bool thrown = false;
    try {
      loop.Post(std::move(closure));
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    failed = AllocationFailed();
    FailAllocation(0);
    EXPECT_EQ(thrown, failed);
    loop.RunOnce();
    EXPECT_EQ(ran, failed ? 0 : 1);
    loop.Post([&ran] { ran = 7; });
    loop.RunOnce();
    EXPECT_EQ(ran, 7);
  }
}

TEST(PostMemoryTest, APostThatFindsNoMemoryThrowsAndPostsNothing) {
  PostWithoutMemory([](int& ran) { return [&ran] { ++ran; }; });
  PostWithoutMemory(
      [](int& ran) { return [&ran, one = std::make_unique<int>(1)] { ran += *one; }; });
  PostWithoutMemory(
      [](int& ran) { return [&ran, many = std::array<char, 5000>{1}] { ran += many[0]; }; });
}

TEST(PostMemoryTest, ARunnableNeedsNoMemory) {
  class Once final : public Runnable {
   public:
    void Run() override { ran = true; }
    bool ran = false;
  };
  EventLoop loop;
  Once once;
  FailAllocationsFrom(1);
  loop.Post(once);
  loop.RunOnce();
  FailAllocation(0);
  EXPECT_TRUE(once.ran);
}

}  // namespace
}  // namespace belfry
