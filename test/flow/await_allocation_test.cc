// Awaiting takes nothing from the heap but the frame of a coroutine that is awaited. A program of
// its own, since it replaces the allocator.

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/flow/event_stream.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/tasks.h"
#include "belfry/manual_executor.h"
#include "dispatch/counting_allocator.h"

namespace belfry {
namespace {

struct Tick {
  int number = 0;
};

constexpr std::uint64_t kAwaits = 1000;

class AwaitAllocationTest : public testing::Test {
 protected:
  // What the second of two equal tasks takes on its way.
  template <class F>
  static std::uint64_t TakenBy(F await_all) {
    await_all();
    return await_all();
  }

  ManualExecutor executor_;
  Dispatcher dispatcher_{{.executor = &executor_}};
  Tasks tasks_{dispatcher_};
};

Task<int> One() { co_return 1; }

TEST_F(AwaitAllocationTest, ATaskTakesItsFrame) {
  std::uint64_t sum = 0;
  std::uint64_t taken = 0;
  const auto await_all = [&]() -> Task<> {
    const std::uint64_t before = Allocations();
    for (std::uint64_t i = 0; i < kAwaits; ++i) {
      sum += static_cast<std::uint64_t>(co_await One());
    }
    taken = Allocations() - before;
  };
  EXPECT_LE(TakenBy([&] {
              tasks_.Start(await_all());
              executor_.RunUntilIdle();
              return taken;
            }),
            kAwaits);
  EXPECT_EQ(sum, 2 * kAwaits);
}

TEST_F(AwaitAllocationTest, ACompletionTakesNothing) {
  std::vector<Completion<int>> completions;
  for (std::uint64_t i = 0; i < kAwaits; ++i) completions.emplace_back();
  std::uint64_t taken = 1;
  const auto await_all = [&]() -> Task<> {
    co_await completions[0];
    const std::uint64_t before = Allocations();
    for (const Completion<int>& completion : completions) co_await completion;
    taken = Allocations() - before;
  };
  tasks_.Start(await_all());
  for (const Completion<int>& completion : completions) {
    executor_.RunUntilIdle();
    completion.Finish(1);
  }
  executor_.RunUntilIdle();
  EXPECT_EQ(taken, 0U);
}

TEST_F(AwaitAllocationTest, ATurnOfTheExecutorTakesNothing) {
  std::uint64_t taken = 1;
  const auto await_all = [&]() -> Task<> {
    co_await Yield();
    const std::uint64_t before = Allocations();
    for (std::uint64_t i = 0; i < kAwaits; ++i) co_await Yield();
    taken = Allocations() - before;
  };
  EXPECT_EQ(TakenBy([&] {
              tasks_.Start(await_all());
              executor_.RunUntilIdle();
              return taken;
            }),
            0U);
}

TEST_F(AwaitAllocationTest, ATurnOfAPoolTakesNothing) {
  Dispatcher dispatcher({.pool = {.threads = 2}});
  Tasks tasks(dispatcher);
  const auto await_all = []() -> Task<std::uint64_t> {
    co_await Yield();
    const std::uint64_t before = Allocations();
    for (std::uint64_t i = 0; i < kAwaits; ++i) co_await Yield();
    co_return Allocations() - before;
  };
  EXPECT_EQ(TakenBy([&] { return tasks.Start(await_all()).Wait().value_or(1); }), 0U);
}

TEST_F(AwaitAllocationTest, AnEventTakesNothing) {
  EventStream<Tick> ticks(dispatcher_);
  Tasks tasks(dispatcher_);  // given up before the stream
  std::uint64_t seen = 0;
  const auto await_all = [&]() -> Task<> {
    while (const std::optional<Tick> tick = co_await ticks.Next()) ++seen;
  };
  tasks.Start(await_all());
  const auto publish_all = [&] {
    const std::uint64_t before = Allocations();
    for (std::uint64_t i = 0; i < kAwaits; ++i) {
      dispatcher_.Publish(Tick{1});
      executor_.RunUntilIdle();
    }
    return Allocations() - before;
  };
  EXPECT_EQ(TakenBy(publish_all), 0U);
  EXPECT_EQ(seen, 2 * kAwaits);
}

}  // namespace
}  // namespace belfry
