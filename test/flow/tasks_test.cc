// Tasks that no event has begun, stop tokens, and what is undone.
#include "belfry/flow/tasks.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

#include "belfry/flow/sleep.h"
#include "belfry/flow/stop.h"
#include "belfry/flow/undo.h"
#include "flow/task_fixture.h"

namespace belfry {
namespace {

class TasksTest : public TaskTest {
 protected:
  Task<int> After(Nanoseconds time, int value) {
    const Local local(*this);
    Note("begins");
    co_await Sleep(time);
    co_return value;
  }
};

BELFRY_IN_TASK_MODES(TasksTest);

TEST_P(TasksTest, ATaskIsStartedAndTellsWhatItReturns) {
  Tasks tasks(*dispatcher);
  const Completion<absl::StatusOr<int>> result = tasks.Start(After(0s, 7));
  Settle();
  ASSERT_TRUE(result.finished());
  EXPECT_EQ(*result.value(), 7);
}

TEST_P(TasksTest, OneThatThrowsSaysSoAndIsAFailureOfItsListener) {
  Tasks tasks(*dispatcher, {.name = "jobs"});
  const auto broken = [this]() -> Task<> {
    const Local local(*this);
    co_await Yield();
    throw std::runtime_error("it broke");
  };
  const Completion<absl::Status> result = tasks.Start(broken());
  Settle();
  EXPECT_EQ(result.value(), absl::UnknownError("it broke"));
  EXPECT_NE(log().find("jobs"), std::string::npos);
}

TEST_P(TasksTest, TheEndGivesUpWhatHasNotEnded) {
  std::optional<Tasks> tasks(*dispatcher);
  const Completion<absl::StatusOr<int>> result = tasks->Start(After(1s, 7));
  ASSERT_TRUE(Noted(1));
  tasks.reset();
  EXPECT_EQ(in_frames, 0);
  EXPECT_EQ(result.value().status().code(), absl::StatusCode::kCancelled);
}

TEST_P(TasksTest, AClosedDispatcherStartsNone) {
  Tasks tasks(*dispatcher);
  dispatcher->Shutdown(ShutdownMode::kDrain, 10s);
  const Completion<absl::StatusOr<int>> result = tasks.Start(After(0s, 1));
  EXPECT_FALSE(result.value().ok());
}

TEST_P(TasksTest, AStopRequestedByAnotherThreadEndsATask) {
  Tasks tasks(*dispatcher);
  std::stop_source source;
  const Completion<absl::StatusOr<std::optional<int>>> result =
      tasks.Start(UnlessStopped(source.get_token(), After(1h, 7)));
  ASSERT_TRUE(Noted(1));
  std::thread stops([&] { source.request_stop(); });
  stops.join();
  Settle();
  EXPECT_EQ(*result.value(), std::nullopt);
  EXPECT_EQ(in_frames, 0);
  EXPECT_FALSE(armed());
}

TEST_P(TasksTest, OneThatWasStoppedBeforeEndsAtItsFirstWait) {
  Tasks tasks(*dispatcher);
  std::stop_source source;
  source.request_stop();
  const auto late = tasks.Start(UnlessStopped(source.get_token(), After(1h, 7)));
  const auto in_time = tasks.Start(UnlessStopped(source.get_token(), After(0s, 7)));
  Settle();
  EXPECT_EQ(*late.value(), std::nullopt);
  EXPECT_EQ(*in_time.value(), 7);
}

TEST_P(TasksTest, WhoIsGivenUpRequestsAStop) {
  std::optional<Tasks> tasks(*dispatcher);
  std::stop_token token;
  const auto waits = [&]() -> Task<> {
    const Local local(*this);
    const StopAtEnd stop;
    token = stop.token();
    Note("waits");
    co_await Sleep(1h);
  };
  tasks->Start(waits());
  ASSERT_TRUE(Noted(1));
  EXPECT_FALSE(token.stop_requested());
  tasks.reset();
  EXPECT_TRUE(token.stop_requested());
}

TEST_P(TasksTest, WhatIsNotReleasedIsUndoneInReverse) {
  std::optional<Tasks> tasks(*dispatcher);
  const auto story = [&](bool releases) -> Task<> {
    const Local local(*this);
    Undo undo([this](std::string_view what) { Note("failed: " + std::string(what)); });
    undo.Add([this] { Note("undo 1"); });
    undo.Add([] { throw std::runtime_error("cannot"); });
    undo.Add([this] { Note("undo 3"); });
    Note("waits");
    if (releases) undo.Release();
    co_await Sleep(1h);
  };
  tasks->Start(story(false));
  tasks->Start(story(true));
  ASSERT_TRUE(Noted(2));
  tasks.reset();
  EXPECT_EQ(notes(), (Notes{"waits", "waits", "undo 3", "failed: cannot", "undo 1"}));
}

}  // namespace
}  // namespace belfry
