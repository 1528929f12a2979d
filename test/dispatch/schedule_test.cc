// Events that are published later.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "dispatch/timed_test.h"

namespace belfry {
namespace {

using std::chrono::seconds;
using Code = PublishResult::Code;

struct Reminder {
  int number = 0;
  std::shared_ptr<int> content{};
};

// Can be moved so often.
struct Fragile {
  explicit Fragile(int m) : moves(m) {}
  Fragile(Fragile&& other) : moves(other.moves - 1) {
    if (moves < 0) throw std::runtime_error("it broke");
  }
  int moves;
};

class ScheduleTest : public TimedTest {
 protected:
  void Advance(Nanoseconds by) {
    timers.Advance(by);
    Settle();
  }
  Subscription Listening() {
    return dispatcher->Subscribe([this](const Reminder& event) { got.push_back(event.number); },
                                 Options());
  }

  std::vector<int> got;
};

TEST_P(ScheduleTest, WhatIsOnItsWayToAnExecutorThatRunsNothingStopsNoEnd) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere somebody runs it";
  const Scheduled later = dispatcher->PublishAfter(std::chrono::seconds(1), Reminder{1});
  ASSERT_TRUE(later.result());
  timers.Advance(std::chrono::seconds(1));
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.unpublished, 1U);
  manual->RunUntilIdle();
}

TEST_P(ScheduleTest, AnEventIsPublishedWhenItsTimeHasCome) {
  const Subscription listener = Listening();
  const Scheduled later = dispatcher->PublishAfter(seconds(10), Reminder{2});
  const Reminder sooner{1};
  EXPECT_TRUE(dispatcher->PublishAfter(seconds(5), sooner).result());
  EXPECT_TRUE(later.pending());
  Advance(seconds(4));
  EXPECT_EQ(got, std::vector<int>{});
  Advance(seconds(1));
  EXPECT_EQ(got, std::vector<int>{1});
  Advance(seconds(5));
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
  EXPECT_FALSE(later.pending());
  EXPECT_FALSE(later.Cancel());
}

TEST_P(ScheduleTest, AtATimeOfTheWallClockOrAtOnceWhenThatIsPast) {
  const Subscription listener = Listening();
  const WallTime now = timers.clock().WallNow();
  dispatcher->PublishAt(now + seconds(3), std::make_shared<const Reminder>(Reminder{1}));
  dispatcher->PublishAt(now - seconds(3), Reminder{2});
  dispatcher->PublishAt(WallTime::min(), Reminder{3});
  const Scheduled never = dispatcher->PublishAt(WallTime::max(), Reminder{4});
  Advance({});
  std::sort(got.begin(), got.end());  // several threads publish what is due at one time
  EXPECT_EQ(got, (std::vector<int>{2, 3}));
  Advance(seconds(3));
  EXPECT_EQ(got, (std::vector<int>{2, 3, 1}));
  EXPECT_TRUE(never.Cancel());
}

TEST_P(ScheduleTest, OneThatIsCancelledIsNotPublishedButLetGo) {
  const Subscription listener = Listening();
  const auto content = std::make_shared<int>();
  const Scheduled later = dispatcher->PublishAfter(seconds(1), Reminder{1, content});
  EXPECT_TRUE(later.Cancel());
  EXPECT_FALSE(later.pending());
  EXPECT_EQ(content.use_count(), 1);
  EXPECT_FALSE(later.Cancel());
  EXPECT_FALSE(timers.next().has_value());
  EXPECT_FALSE(Scheduled().Cancel());
  Advance(seconds(2));
  EXPECT_EQ(got, std::vector<int>{});
}

TEST_P(ScheduleTest, ItIsCausedByTheDeliveryInWhichItWasScheduled) {
  EventId placed;
  EventId correlation;
  EventId causation;
  std::string header;
  const Subscription first = dispatcher->Subscribe(
      [&](const int&, Context& context) {
        placed = context.envelope().id();
        dispatcher->PublishAfter(seconds(1), Reminder{1}, {.headers = {{"table", "7"}}});
      },
      Options());
  const Subscription second = dispatcher->Subscribe(
      [&](const Reminder&, Context& context) {
        correlation = context.envelope().correlation_id();
        causation = context.envelope().causation_id();
        header = std::string(context.envelope().header("table"));
      },
      Options());
  dispatcher->Publish(1);
  Settle();
  Advance(seconds(1));
  EXPECT_TRUE(placed);
  EXPECT_EQ(correlation, placed);
  EXPECT_EQ(causation, placed);
  EXPECT_EQ(header, "7");
}

TEST_P(ScheduleTest, D2_ItRunsOnTheExecutorAndNotWhereTheTimerDoes) {
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Reminder&) { there = std::this_thread::get_id(); }, Options());
  dispatcher->PublishAfter({}, Reminder{});
  if (manual == nullptr) {
    Advance({});
  } else {
    timers.Advance({});
    EXPECT_EQ(there, std::thread::id());
    Settle();
  }
  const bool pool = threaded() || (mode() == Mode::kInline);
  EXPECT_EQ(there != here, pool);
}

TEST_P(ScheduleTest, WhatHasNoRoomIsTriedAgainUntilItHas) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "somebody must leave the queue full";
  ListenerOptions options = Options();
  options.queue.events_max = 1;
  options.overflow = Overflow::Reject();
  const Subscription listener = dispatcher->Subscribe(
      [this](const Reminder& event) { got.push_back(event.number); }, options);
  dispatcher->PublishAfter({}, Reminder{2});
  ASSERT_TRUE(dispatcher->Publish(Reminder{1}));
  timers.Advance({});
  ASSERT_TRUE(manual->RunOne());  // the listener
  ASSERT_TRUE(dispatcher->Publish(Reminder{10}));
  ASSERT_TRUE(manual->RunOne());  // the delayed publish
  EXPECT_TRUE(timers.next().has_value());
  Settle();
  Advance(seconds(1));
  EXPECT_EQ(got, (std::vector<int>{1, 10, 2}));
}

TEST_P(ScheduleTest, WhatBreaksOnItsWayIsLogged) {
  const Subscription listener = dispatcher->Subscribe([](const Fragile&) {});
  ASSERT_TRUE(dispatcher->PublishAfter({}, Fragile(1)).result());
  Advance({});
  EXPECT_NE(log().find("a delayed publish of"), std::string::npos) << log();
  EXPECT_NE(log().find("it broke"), std::string::npos) << log();
}

TEST_P(ScheduleTest, S1_AtAShutdownWhatWaitsIsLetGoOfAndCounted) {
  const Subscription listener = Listening();
  const auto content = std::make_shared<int>();
  const Scheduled first = dispatcher->PublishAfter(seconds(1), Reminder{1, content});
  const Scheduled second = dispatcher->PublishAfter(seconds(2), Reminder{2, content});
  EXPECT_TRUE(first.pending());
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.unpublished, 2U);
  EXPECT_EQ(content.use_count(), 1);
  EXPECT_FALSE(first.pending());
  EXPECT_FALSE(second.Cancel());
  EXPECT_EQ(dispatcher->PublishAfter(seconds(1), Reminder{}).result().code(), Code::kClosed);
  EXPECT_EQ(timers.Advance(seconds(5)), 0U);
}

TEST_P(ScheduleTest, S1_WhatFallsDueDuringTheEndIsCounted) {
  const Subscription listener = Listening();
  const Source source = dispatcher->AddSource("slow", [&] { timers.Advance(seconds(2)); });
  dispatcher->PublishAfter(seconds(1), Reminder{1});
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.unpublished, 1U);
  EXPECT_EQ(got, std::vector<int>{});
}

TEST_P(ScheduleTest, AHandleMayOutliveTheDispatcher) {
  const Scheduled later = dispatcher->PublishAfter(seconds(1), Reminder{1});
  const Publisher publisher = dispatcher->publisher();
  dispatcher.reset();
  EXPECT_FALSE(later.pending());
  EXPECT_FALSE(later.Cancel());
  EXPECT_EQ(publisher.PublishAfter(seconds(1), Reminder{}).result().code(), Code::kClosed);
}

TEST_P(ScheduleTest, WithoutTimersOfTheUsersADispatcherHasItsOwn) {
  Make();
  std::atomic<int> count{0};
  const Subscription listener = dispatcher->Subscribe([&](const Reminder&) { ++count; }, Options());
  const Scheduled later = dispatcher->PublishAfter(std::chrono::milliseconds(1), Reminder{});
  if (mode() == Mode::kSynchronous) {
    EXPECT_EQ(later.result().code(), Code::kNoTimers);
    EXPECT_NE(std::string(later.result().status().message()).find("DispatcherOptions::timers"),
              std::string::npos);
    return;
  }
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    return count == 1;
  }));
}

TEST_P(ScheduleTest, ManyThreadsScheduleAndCancelWhileItShutsDown) {
  Make();
  if (mode() == Mode::kSynchronous || mode() == Mode::kManual) GTEST_SKIP() << "needs threads";
  std::atomic<int> count{0};
  Subscription listener = dispatcher->Subscribe([&](const Reminder&) { ++count; }, Options());
  std::atomic<int> cancelled{0};
  std::atomic<int> accepted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const Scheduled later =
            dispatcher->PublishAfter(std::chrono::microseconds(i % 100), Reminder{i});
        if (!later.result()) continue;
        ++accepted;
        if (i % 3 == 0 && later.Cancel()) ++cancelled;
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return count > 50; }));
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(report.complete);
  const int published = count + cancelled + static_cast<int>(report.unpublished);
  EXPECT_EQ(published, accepted);
}

BELFRY_IN_EVERY_MODE(ScheduleTest);

}  // namespace
}  // namespace belfry
