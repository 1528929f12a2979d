// What the tests of retries have in common: events that are tried again, and how they are awaited.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "dispatch/timed_test.h"

namespace belfry {

struct LetterToSend {
  std::string to;
  int number = 0;
};

class RetryTest : public TimedTest {
 protected:
  void TearDown() override {
    if (dispatcher != nullptr) Finish();
    TimedTest::TearDown();
  }

  DeliveryCounts Counts() const { return OnlyListener().deliveries; }
  void RunReady() {
    if (manual != nullptr) manual->RunUntilIdle();
  }
  void AwaitRetrying(std::uint64_t count) {
    EXPECT_TRUE(Eventually([&] {
      RunReady();
      const DeliveryCounts counts = Counts();
      const bool armed = count == 0 || timers.next().has_value();
      return armed && counts.retrying == count && counts.queued == 0 && counts.running == 0;
    })) << ToString(Counts());
  }
  // Until nothing is left to be tried again.
  void Finish() {
    EXPECT_TRUE(Eventually([&] {
      RunReady();
      timers.Advance(std::chrono::seconds(1));
      bool idle = true;
      for (const ListenerStats& listener : dispatcher->GetStats().listeners) {
        const DeliveryCounts& counts = listener.deliveries;
        idle = idle && counts.retrying + counts.queued + counts.running == 0;
      }
      return idle;
    }));
  }
  void Attempted(int number) {
    const std::lock_guard lock(mutex_);
    attempts_.push_back(number);
  }
  std::vector<int> attempts() {
    const std::lock_guard lock(mutex_);
    return attempts_;
  }
  int AttemptsAt(int number) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::count(attempts_.begin(), attempts_.end(), number));
  }

 private:
  std::mutex mutex_;
  std::vector<int> attempts_;
};

#define BELFRY_IN_RETRY_MODES(Fixture)                                                \
  INSTANTIATE_TEST_SUITE_P(                                                           \
      Modes, Fixture,                                                                 \
      testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1, Mode::kPool4), \
      ModeTestName)

}  // namespace belfry
