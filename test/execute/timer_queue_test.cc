#include "belfry/timer_queue.h"

#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

SteadyTime At(std::int64_t ticks) { return SteadyTime(Nanoseconds(ticks)); }
constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();

class TimerQueueTest : public testing::Test {
 protected:
  std::function<void()> Note(std::string name) {
    return [this, name] { ran_.push_back(name); };
  }

  TimerQueue queue_;
  std::vector<std::string> ran_;
};

TEST_F(TimerQueueTest, NothingRunsBeforeItsDeadline) {
  queue_.Add(At(10), Note("a"));
  EXPECT_EQ(queue_.RunDue(At(9)), 0U);
  EXPECT_EQ(queue_.NextDeadline(), At(10));
  EXPECT_EQ(queue_.RunDue(At(10)), 1U);
  EXPECT_EQ(queue_.NextDeadline(), std::nullopt);
}

TEST_F(TimerQueueTest, TimersRunByDeadlineAndEqualOnesInTheOrderOfAdding) {
  queue_.Add(At(20), Note("late"));
  queue_.Add(At(10), Note("first"));
  queue_.Add(At(10), Note("second"));
  queue_.Add(At(-5), Note("past"));
  queue_.RunDue(At(30));
  EXPECT_THAT(ran_, ElementsAre("past", "first", "second", "late"));
}

TEST_F(TimerQueueTest, WhatACallbackAddsRunsAtTheNextCallEvenIfItIsDue) {
  queue_.Add(At(10), [&] { queue_.Add(At(kFirst), Note("added")); });
  queue_.Add(At(11), Note("other"));
  EXPECT_EQ(queue_.RunDue(At(20)), 2U);
  EXPECT_THAT(ran_, ElementsAre("other"));
  EXPECT_EQ(queue_.RunDue(At(20)), 1U);
  EXPECT_THAT(ran_, ElementsAre("other", "added"));
}

TEST_F(TimerQueueTest, ARepeatingTimerRunsAsOftenAsItWasToldAndSkipsWhatItMissed) {
  const TimerId id = queue_.Add(At(10), Note("x"), Nanoseconds(10), 3);
  EXPECT_EQ(queue_.RunDue(At(10)), 1U);
  EXPECT_EQ(queue_.NextDeadline(), At(20));
  EXPECT_EQ(queue_.RunDue(At(55)), 1U);  // 20, 30, 40 and 50 are one call
  EXPECT_EQ(queue_.NextDeadline(), At(60));
  EXPECT_EQ(queue_.RunDue(At(60)), 1U);
  EXPECT_EQ(queue_.size(), 0U);
  EXPECT_FALSE(queue_.Cancel(id));
}

TEST_F(TimerQueueTest, ATimerMayCancelItselfAndItsCallbackLivesUntilItReturned) {
  auto witness = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = witness;
  TimerId id;
  id = queue_.Add(
      At(1),
      [&, witness] {
        ran_.emplace_back("x");
        EXPECT_TRUE(queue_.Cancel(id));
        EXPECT_FALSE(queue_.Cancel(id));
        EXPECT_EQ(queue_.size(), 0U);
        EXPECT_FALSE(alive.expired());
      },
      Nanoseconds(1), TimerQueue::kForever);
  witness.reset();
  queue_.RunDue(At(1));
  EXPECT_TRUE(alive.expired());
  queue_.RunDue(At(10));
  EXPECT_THAT(ran_, ElementsAre("x"));
}

TEST_F(TimerQueueTest, InItsLastRunATimerCannotBeCancelledAnyMore) {
  TimerId id;
  bool cancelled = true;
  id = queue_.Add(At(1), [&] { cancelled = queue_.Cancel(id); });
  queue_.RunDue(At(1));
  EXPECT_FALSE(cancelled);
}

TEST_F(TimerQueueTest, ATimerThatIsDueIsNotRunWhenOneBeforeItCancelledIt) {
  TimerId second;
  queue_.Add(At(1), [&] { EXPECT_TRUE(queue_.Cancel(second)); });
  second = queue_.Add(At(2), Note("second"));
  EXPECT_EQ(queue_.RunDue(At(5)), 1U);
  EXPECT_TRUE(ran_.empty());
}

TEST_F(TimerQueueTest, CancelDestroysTheCallbackBeforeItReturns) {
  auto witness = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = witness;
  const TimerId id = queue_.Add(At(1), [witness] {});
  witness.reset();
  EXPECT_TRUE(queue_.Cancel(id));
  EXPECT_TRUE(alive.expired());
}

TEST_F(TimerQueueTest, ACallbacksDestructorMayUseTheQueue) {
  const TimerId other = queue_.Add(At(5), Note("other"));
  const std::shared_ptr<void> last_words(nullptr, [&](void*) {
    EXPECT_TRUE(queue_.Cancel(other));
    queue_.Add(At(1), Note("added"));
  });
  TimerId id = queue_.Add(At(1), [last_words] {});
  const_cast<std::shared_ptr<void>&>(last_words).reset();
  EXPECT_TRUE(queue_.Cancel(id));
  queue_.RunDue(At(9));
  EXPECT_THAT(ran_, ElementsAre("added"));
}

TEST_F(TimerQueueTest, WhatACallbackThrowsPassesThroughAndTheOthersRunAtTheNextCall) {
  queue_.Add(At(1), [] { throw std::runtime_error("once"); });
  int repeated = 0;
  queue_.Add(
      At(2),
      [&] {
        if (++repeated == 1) throw std::runtime_error("again");
      },
      Nanoseconds(10), TimerQueue::kForever);
  queue_.Add(At(3), Note("third"));
  EXPECT_THROW(queue_.RunDue(At(5)), std::runtime_error);
  EXPECT_THROW(queue_.RunDue(At(5)), std::runtime_error);
  EXPECT_EQ(queue_.RunDue(At(5)), 1U);
  EXPECT_THAT(ran_, ElementsAre("third"));
  EXPECT_EQ(queue_.RunDue(At(12)), 1U);
  EXPECT_EQ(repeated, 2);
}

TEST_F(TimerQueueTest, TheEndsOfTimeAreDeadlinesLikeOthers) {
  queue_.Add(At(kLast), Note("last"), Nanoseconds(kLast), TimerQueue::kForever);
  queue_.Add(At(kFirst), Note("first"), Nanoseconds(kLast), 2);
  EXPECT_EQ(queue_.RunDue(At(0)), 1U);
  // Of kFirst + n * kLast the first after 0 is kFirst + 2 * kLast.
  EXPECT_EQ(queue_.NextDeadline(), At(kLast - 1));
  EXPECT_EQ(queue_.RunDue(At(kLast)), 2U);
  EXPECT_EQ(queue_.NextDeadline(), At(kLast));
  EXPECT_THAT(ran_, ElementsAre("first", "first", "last"));
}

TEST_F(TimerQueueTest, ManyTimersOfOneInstantRunInOrder) {
  constexpr int kMany = 200000;
  int next = 0;
  bool in_order = true;
  for (int i = 0; i < kMany; ++i) {
    queue_.Add(At(7), [&, i] { in_order = in_order && next++ == i; });
  }
  EXPECT_EQ(queue_.RunDue(At(7)), static_cast<std::size_t>(kMany));
  EXPECT_TRUE(in_order);
}

TEST(TimerQueueDeathTest, ARepeatingTimerWithoutAPeriodIsABug) {
  TimerQueue queue;
  EXPECT_DEATH(queue.Add(
                   At(1), [] {}, Nanoseconds(0), 2),
               "period above zero");
  EXPECT_DEATH(queue.Add(
                   At(1), [] {}, Nanoseconds(-1), TimerQueue::kForever),
               "period above zero");
  EXPECT_DEATH(queue.Add(At(1), nullptr), "callback");
}

TEST(TimerQueueDeathTest, RunningTheTimersFromATimerIsABug) {
  TimerQueue queue;
  queue.Add(At(1), [&] { queue.RunDue(At(1)); });
  EXPECT_DEATH(queue.RunDue(At(1)), "ran the timers");
}

// The queue against what its contract says in the plainest terms: a list of timers, searched whole.
// In callbacks, too, timers are added and cancelled; both sides must have run the same in the end.
class TimerQueueModelTest : public testing::TestWithParam<unsigned> {
 protected:
  struct Model {
    std::int64_t deadline;
    std::int64_t period;
    std::uint64_t repetitions;
  };

  std::int64_t Below(std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random_);
  }

  void Add() {
    const std::int64_t deadline = now_ + Below(40) - 10;
    const std::int64_t period = Below(3) == 0 ? 1 + Below(9) : 0;
    const std::uint64_t repetitions = period == 0 ? 1 : static_cast<std::uint64_t>(Below(4));
    const int action = static_cast<int>(Below(6));
    const std::uint64_t expected_number = ++last_;
    const TimerId id = queue_.Add(
        At(deadline), [this, expected_number, action] { Ran(expected_number, action); },
        Nanoseconds(period), repetitions);
    ASSERT_EQ(id.number, expected_number);
    model_.emplace(id.number, Model{deadline, period, repetitions});
  }

  void CancelAny() {
    const auto number = static_cast<std::uint64_t>(Below(static_cast<std::int64_t>(last_) + 2));
    ASSERT_EQ(queue_.Cancel(TimerId{number}), model_.erase(number) == 1);
  }

  // The callback: what runs must be what the model says, and then it does something to the queue.
  void Ran(std::uint64_t number, int action) {
    while (!expected_.empty() && !model_.contains(expected_.front())) {
      expected_.erase(expected_.begin());  // cancelled meanwhile
    }
    ASSERT_FALSE(expected_.empty());
    ASSERT_EQ(expected_.front(), number);
    expected_.erase(expected_.begin());
    Model& timer = model_.at(number);
    if (timer.repetitions == 1) {
      model_.erase(number);
    } else {
      if (timer.repetitions > 1) --timer.repetitions;
      while (timer.deadline <= now_) timer.deadline += timer.period;
    }
    ++ran_;
    if (action == 0 && model_.size() < 200) Add();
    if (action == 1) CancelAny();
    if (action == 2) {
      ASSERT_EQ(queue_.Cancel(TimerId{number}), model_.erase(number) == 1);
    }
  }

  void RunDue() {
    now_ += Below(15);
    std::map<std::pair<std::int64_t, std::uint64_t>, bool> due;
    for (const auto& [number, timer] : model_) {
      if (timer.deadline <= now_) due[{timer.deadline, number}] = true;
    }
    expected_.clear();
    for (const auto& [key, unused] : due) expected_.push_back(key.second);
    ran_ = 0;
    ASSERT_EQ(queue_.RunDue(At(now_)), ran_);
    for (const std::uint64_t left : expected_) ASSERT_FALSE(model_.contains(left));
  }

  void CompareState() {
    ASSERT_EQ(queue_.size(), model_.size());
    std::optional<SteadyTime> next;
    for (const auto& [number, timer] : model_) {
      if (!next || At(timer.deadline) < *next) next = At(timer.deadline);
    }
    ASSERT_EQ(queue_.NextDeadline(), next);
  }

  std::mt19937 random_{GetParam()};
  TimerQueue queue_;
  std::map<std::uint64_t, Model> model_;
  std::vector<std::uint64_t> expected_;
  std::uint64_t last_ = 0;
  std::int64_t now_ = 0;
  std::size_t ran_ = 0;
};

TEST_P(TimerQueueModelTest, TheQueueDoesWhatAPlainListWouldDo) {
  for (int step = 0; step < 2000; ++step) {
    const std::int64_t choice = Below(10);
    if (choice < 4 && model_.size() < 200) {
      Add();
    } else if (choice < 6) {
      CancelAny();
    } else {
      RunDue();
    }
    CompareState();
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerQueueModelTest, testing::Range(1U, 11U));

}  // namespace
}  // namespace belfry
