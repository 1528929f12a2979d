// Calls on another executor: what they bring, whatever becomes of them.

#include "belfry/run_on.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/flow/tasks.h"
#include "belfry/manual_executor.h"
#include "belfry/thread_pool.h"

namespace belfry {
namespace {

TEST(RunOnTest, WhatTheCallReturnsIsThereOnceItHasRun) {
  ManualExecutor executor;
  const auto sum = RunOn(executor, [] { return 40 + 2; });
  EXPECT_FALSE(sum.finished());
  executor.RunUntilIdle();
  EXPECT_EQ(sum.value().value_or(0), 42);
}

TEST(RunOnTest, NothingAStatusAndAStatusOrAreGivenAsTheyAre) {
  ManualExecutor executor;
  const Completion<absl::Status> nothing = RunOn(executor, [] {});
  const Completion<absl::Status> status =
      RunOn(executor, [] { return absl::NotFoundError("gone"); });
  const Completion<absl::StatusOr<int>> none =
      RunOn(executor, []() -> absl::StatusOr<int> { return absl::NotFoundError("gone"); });
  executor.RunUntilIdle();
  EXPECT_EQ(nothing.value(), absl::OkStatus());
  EXPECT_EQ(status.value(), absl::NotFoundError("gone"));
  EXPECT_EQ(none.value().status(), absl::NotFoundError("gone"));
}

TEST(RunOnTest, WhatTheCallThrowsIsNotLost) {
  ManualExecutor executor;
  const auto thrown = RunOn(executor, []() -> int { throw std::runtime_error("no luck"); });
  const auto odd = RunOn(executor, [] { throw 7; });
  executor.RunUntilIdle();
  EXPECT_EQ(thrown.value().status(), absl::UnknownError("no luck"));
  EXPECT_EQ(odd.value(), absl::UnknownError("an exception that is not a std::exception"));
}

TEST(RunOnTest, ACallThatCanOnlyBeMovedGoesBeforeAnybodyGoesOn) {
  ManualExecutor executor;
  auto held = std::make_shared<int>(7);
  const std::weak_ptr<int> seen = held;
  const auto got =
      RunOn(executor,
            [held = std::make_unique<std::shared_ptr<int>>(std::move(held))] { return **held; });
  bool gone = false;
  got.Then([&](const absl::StatusOr<int>&) { gone = seen.expired(); });
  executor.RunUntilIdle();
  EXPECT_EQ(got.value().value_or(0), 7);
  EXPECT_TRUE(gone);
}

TEST(RunOnTest, WhatItPublishesIsCausedByWhoAsked) {
  struct Asked {};
  struct Counted {};
  ThreadPool pool({.threads = 1});
  Dispatcher dispatcher({.pool = {.threads = 1}});
  Completion<bool> told;
  const Subscription counted = dispatcher.Subscribe([&](const Counted&, Context& context) {
    told.Finish(context.envelope().causation_id() != EventId{});
  });
  const Subscription asked = dispatcher.Subscribe(
      [&](const Asked&) { RunOn(pool, [&] { dispatcher.Publish(Counted{}); }); });
  dispatcher.Publish(Asked{});
  EXPECT_TRUE(told.Wait());
}

TEST(RunOnTest, TasksAwaitCallsOnAPool) {
  ThreadPool pool({.threads = 2});
  Dispatcher dispatcher({.pool = {.threads = 2}});
  Tasks tasks(dispatcher);
  const auto sum_of = [&](int numbers) -> Task<int> {
    int sum = 0;
    for (int i = 1; i <= numbers; ++i) {
      const auto work = [i] { return i; };
      sum += (co_await RunOn(pool, work)).value_or(0);
    }
    co_return sum;
  };
  std::vector<Completion<absl::StatusOr<int>>> sums;
  for (int i = 0; i < 50; ++i) sums.push_back(tasks.Start(sum_of(100)));
  for (const auto& sum : sums) EXPECT_EQ(sum.Wait().value_or(0), 5050);
}

// Whoever awaits may go; the call is made.
TEST(RunOnTest, ATaskThatIsGivenUpLeavesTheCall) {
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  ManualExecutor elsewhere;
  bool called = false;
  const auto story = [&]() -> Task<absl::Status> {
    co_return co_await RunOn(elsewhere, [&] { called = true; });
  };
  {
    Tasks tasks(dispatcher);
    tasks.Start(story());
    executor.RunUntilIdle();
  }
  elsewhere.RunUntilIdle();
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace belfry
