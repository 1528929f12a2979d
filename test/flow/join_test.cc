// Several tasks at once.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "belfry/flow/all.h"
#include "belfry/flow/any.h"
#include "belfry/flow/for_each.h"
#include "belfry/flow/timeout.h"
#include "flow/task_fixture.h"

namespace belfry {
namespace {

struct Asked {};

class JoinTest : public TaskTest {
 protected:
  Task<int> After(Nanoseconds time, int value) {
    const Local local(*this);
    Note("begins " + std::to_string(value));
    co_await Sleep(time);
    Note("ends " + std::to_string(value));
    co_return value;
  }
  // Needs time before it waits, too.
  Task<int> AfterWork(Nanoseconds work, Nanoseconds time, int value) {
    timers.Advance(work);
    co_return co_await After(time, value);
  }
  Task<> Throws(Nanoseconds time) {
    const Local local(*this);
    co_await Sleep(time);
    throw std::runtime_error("it broke");
  }

  // Runs `story` as a listener's delivery, through ten seconds.
  template <class F>
  void Tell(F story) {
    const Subscription listener = dispatcher->Subscribe(
        [this, story](const Asked&) -> Task<> {
          const Local local(*this);
          co_await story();
          Note("over");
        },
        Options());
    ASSERT_TRUE(dispatcher->Publish(Asked{}));
    for (int i = 0; i < 100; ++i) {
      Eventually([&] { return RunReady(), armed() || Over(); });
      if (Over()) break;
      Pass(100ms);
    }
    Settle();
  }
  bool Over() {
    const Stats stats = dispatcher->GetStats();
    return stats.listeners.at(0).deliveries.handled + stats.listeners.at(0).deliveries.dead > 0;
  }
};

// Where it is certain that all sleep before time goes on.
INSTANTIATE_TEST_SUITE_P(Modes, JoinTest, testing::Values(Mode::kSynchronous, Mode::kManual),
                         ModeTestName);

class JoinThreadsTest : public TaskTest {};
BELFRY_IN_POOL_MODES(JoinThreadsTest);

Task<int> Sum(int from, int to) {
  co_await Yield();
  if (from == to) co_return from;
  const int middle = (from + to) / 2;
  const auto [low, high] = co_await All(Sum(from, middle), Sum(middle + 1, to));
  const auto first = co_await Any(Sum(low, low), Sum(low, low));
  co_return std::visit([](int value) { return value; }, first) + high;
}

TEST_P(JoinThreadsTest, ManyTreesAtOnce) {
  ListenerOptions options = Options();
  options.concurrency = 16;
  std::atomic<int> right{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        right += co_await Sum(1, 32) == 32 * 33 / 2 ? 1 : 0;
      },
      options);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(dispatcher->Publish(Asked{}));
  Settle();
  EXPECT_EQ(right, 100);
}

TEST_P(JoinTest, AllEndWithWhatTheyReturn) {
  Tell([this]() -> Task<> {
    const auto [first, second, nothing] =
        co_await All(After(300ms, 1), After(100ms, 2), SleepFor(200ms));
    Note(std::to_string(first) + " and " + std::to_string(second));
    static_cast<void>(nothing);
  });
  EXPECT_EQ(notes(), (Notes{"begins 1", "begins 2", "ends 2", "ends 1", "1 and 2", "over"}));
}

TEST_P(JoinTest, AllOfAListEndInItsOrder) {
  Tell([this]() -> Task<> {
    std::vector<Task<int>> tasks;
    for (int i = 3; i > 0; --i) tasks.push_back(After(i * 100ms, i));
    for (const int value : co_await All(std::move(tasks))) Note(std::to_string(value));
    EXPECT_TRUE((co_await All(std::vector<Task<int>>())).empty());
  });
  const Notes all = notes();
  EXPECT_EQ(Notes(all.end() - 4, all.end()), (Notes{"3", "2", "1", "over"}));
}

TEST_P(JoinTest, OneThatThrowsEndsAll) {
  Tell([this]() -> Task<> {
    try {
      co_await All(After(1s, 1), Throws(100ms), After(2s, 2));
    } catch (const std::runtime_error& error) {
      Note(error.what());
      EXPECT_EQ(in_frames, 1 + 0);
    }
  });
  EXPECT_EQ(notes(), (Notes{"begins 1", "begins 2", "it broke", "over"}));
}

TEST_P(JoinTest, OneThatThrowsAtOnceKeepsTheOthersFromBeginning) {
  Tell([this]() -> Task<> {
    try {
      co_await All(Throws(0s), After(1s, 1));
    } catch (const std::runtime_error& error) {
      Note(error.what());
    }
  });
  EXPECT_EQ(notes(), (Notes{"it broke", "over"}));
}

TEST_P(JoinTest, AnyEndsWithTheFirst) {
  Tell([this]() -> Task<> {
    const std::variant<int, int, std::monostate> first =
        co_await Any(After(2s, 1), After(100ms, 2), SleepFor(1s));
    Note("index " + std::to_string(first.index()) + ": " + std::to_string(std::get<1>(first)));
  });
  EXPECT_EQ(notes(), (Notes{"begins 1", "begins 2", "ends 2", "index 1: 2", "over"}));
  EXPECT_FALSE(armed());
}

TEST_P(JoinTest, ATimeoutGivesUpWhatIsTooLate) {
  Tell([this]() -> Task<> {
    EXPECT_EQ(co_await Timeout(200ms, After(100ms, 1)), 1);
    EXPECT_EQ(co_await Timeout(100ms, After(200ms, 2)), std::nullopt);
    EXPECT_TRUE(co_await Timeout(200ms, SleepFor(100ms)));
    EXPECT_FALSE(co_await Timeout(100ms, SleepFor(200ms)));
  });
  EXPECT_EQ(notes(), (Notes{"begins 1", "ends 1", "begins 2", "over"}));
}

TEST_P(JoinTest, ATimeoutCountsFromWhereItIsAwaited) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "one thread moves the time";
  Tell([this]() -> Task<> {
    EXPECT_EQ(co_await Timeout(100ms, AfterWork(80ms, 50ms, 1)), std::nullopt);
    EXPECT_EQ(co_await Timeout(150ms, AfterWork(80ms, 50ms, 2)), 2);
    EXPECT_EQ(co_await Timeout(0ms, AfterWork(80ms, 0ms, 3)), 3);
  });
  EXPECT_EQ(notes(), (Notes{"begins 1", "begins 2", "ends 2", "begins 3", "ends 3", "over"}));
}

TEST_P(JoinTest, AnOperationThatIsTooLateGoesOn) {
  const Completion<int> quick;
  const Completion<int> slow;
  Tell([&]() -> Task<> {
    quick.Finish(1);
    EXPECT_EQ(co_await Timeout(100ms, quick), 1);
    EXPECT_EQ(co_await Timeout(100ms, slow), std::nullopt);
    slow.Finish(2);
    EXPECT_EQ(co_await Timeout(0ms, slow), 2);
  });
}

TEST_P(JoinTest, ForEachHasSoManyAtATime) {
  int now = 0;
  int most = 0;
  Tell([&]() -> Task<> {
    std::vector<int> items{1, 2, 3, 4, 5, 6, 7};
    co_await ForEach(std::move(items), 3, [&](int item) -> Task<> {
      most = std::max(most, ++now);
      co_await Sleep(item * 10ms);
      --now;
      Note(std::to_string(item));
    });
  });
  EXPECT_EQ(most, 3);
  EXPECT_EQ(notes().size(), 8U);
}

TEST_P(JoinTest, JoinsMayBeNested) {
  Tell([this]() -> Task<> {
    const auto inner = [this]() -> Task<int> {
      const auto [a, b] = co_await All(After(100ms, 1), After(200ms, 2));
      co_return a + b;
    };
    const auto first = co_await Any(inner(), After(5s, 9));
    Note(std::to_string(std::get<0>(first)));
  });
  EXPECT_EQ(notes().at(5), "3");
}

}  // namespace
}  // namespace belfry
