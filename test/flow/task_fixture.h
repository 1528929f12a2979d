// A dispatcher whose listeners may be coroutines, and a count of what lives in their frames.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/flow/task.h"
#include "dispatch/timed_test.h"

namespace belfry {

using namespace std::chrono_literals;

// Time stands still until Pass.
class TaskTest : public TimedTest {
 protected:
  void TearDown() override {
    TimedTest::TearDown();
    EXPECT_EQ(in_frames, 0) << "a coroutine's frame was left";
  }

  // A local of a coroutine, so that its frame is counted.
  class Local {
   public:
    explicit Local(TaskTest& test) : test_(test) { ++test_.in_frames; }
    ~Local() { --test_.in_frames; }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;

   private:
    TaskTest& test_;
  };

  void Note(const std::string& text) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(text);
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  bool Noted(std::size_t count) {
    if (manual != nullptr) manual->RunUntilIdle();
    return Eventually([&] { return notes().size() >= count; });
  }
  // What is ready runs; tasks may wait on.
  void RunReady() {
    if (manual != nullptr) manual->RunUntilIdle();
  }
  bool armed() const { return timers.next().has_value(); }
  void Pass(Nanoseconds time) {
    RunReady();
    timers.Advance(time);
    RunReady();
  }

  std::atomic<int> in_frames{0};

 private:
  std::mutex mutex_;
  std::vector<std::string> notes_;
};

using Notes = std::vector<std::string>;

#define BELFRY_IN_TASK_MODES(Fixture)                                                 \
  INSTANTIATE_TEST_SUITE_P(                                                           \
      Modes, Fixture,                                                                 \
      testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1, Mode::kPool4), \
      ModeTestName)

}  // namespace belfry
