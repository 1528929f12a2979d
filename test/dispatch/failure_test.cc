// E1, E3 and E4: what goes wrong, and who hears of it.

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Task {
  int number = 0;
};

class FailureTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(FailureTest);

TEST_P(FailureTest, E1_AListenerThatFailsFailsAloneAndStaysSubscribed) {
  std::atomic<int> good{0};
  std::atomic<int> bad{0};
  const Subscription before = dispatcher->Subscribe([&](const Task&) { ++good; }, Options());
  const Subscription failing = dispatcher->Subscribe(
      [&](const Task& e) {
        ++bad;
        switch (e.number) {
          case 0:
            throw std::runtime_error("std");
          case 1:
            throw 42;
          case 2:
            throw std::bad_alloc();
          default:
            break;
        }
      },
      Options("failing"));
  const Subscription after = dispatcher->Subscribe([&](const Task&) { ++good; }, Options());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(dispatcher->Publish(Task{i}));
  Settle();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(bad, 4);
  EXPECT_EQ(StatsOf<Task>().deliveries.dead, 3U);
}

TEST_P(FailureTest, E1_AFailureIsToldAsAnEventThatNamesListenerEventAndReason) {
  std::mutex mutex;
  std::vector<ListenerFailed> failures;
  const Subscription told = dispatcher->Subscribe(
      [&](const ListenerFailed& e, Context& context) {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(context.envelope().causation_id(), e.event_id);
        failures.push_back(e);
      },
      Options());
  const Subscription failing = dispatcher->Subscribe(
      [](const Task& e) -> absl::Status {
        if (e.number == 1) throw std::runtime_error("the oven is cold");
        if (e.number == 2) return absl::NotFoundError("no dough");
        return absl::OkStatus();
      },
      Options("baker"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Task{i}));
  Settle();
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures[0].listener, "baker");
  EXPECT_EQ(failures[0].listener_id, failing.id());
  EXPECT_EQ(failures[0].event_type, EventTypeOf<Task>());
  EXPECT_TRUE(failures[0].event_id);
  EXPECT_EQ(failures[0].what, "the oven is cold");
  EXPECT_EQ(failures[1].what, "NOT_FOUND: no dough");
}

TEST_P(FailureTest, E4_WithoutAListenerForThemFailuresGoToTheLog) {
  const Subscription failing = dispatcher->Subscribe(
      [](const Task&) { throw std::runtime_error("the oven is cold"); }, Options("baker"));
  ASSERT_TRUE(dispatcher->Publish(Task{}));
  Settle();
  EXPECT_NE(log().find("listener \"baker\" failed on"), std::string::npos) << log();
  EXPECT_NE(log().find("the oven is cold"), std::string::npos) << log();
}

TEST_P(FailureTest, E4_LibraryEventsNeverCauseLibraryEvents) {
  std::atomic<int> told{0};
  const Subscription telling = dispatcher->Subscribe(
      [&](const ListenerFailed&) {
        ++told;
        throw std::runtime_error("the messenger stumbles");
      },
      Options("messenger"));
  const Subscription failing =
      dispatcher->Subscribe([](const Task&) { throw 1; }, Options("baker"));
  ASSERT_TRUE(dispatcher->Publish(Task{}));
  Settle();
  EXPECT_EQ(told, 1) << "its own failure must not be told to it";
  EXPECT_NE(log().find("the messenger stumbles"), std::string::npos) << log();
  EXPECT_EQ(StatsOf<Orphaned>().published, 0U);
}

TEST_P(FailureTest, E4_LibraryEventsAreRateLimitedAndSayHowManyWereLeftOut) {
  ManualClock clock;
  Make([&](DispatcherOptions& options) { options.clock = &clock; });
  std::mutex mutex;
  std::vector<std::uint64_t> suppressed;
  const Subscription told = dispatcher->Subscribe(
      [&](const ListenerFailed& e) {
        const std::lock_guard lock(mutex);
        suppressed.push_back(e.suppressed);
      },
      Options());
  const Subscription failing = dispatcher->Subscribe([](const Task&) { throw 1; }, Options());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(dispatcher->Publish(Task{i}));
  Settle();
  ASSERT_EQ(suppressed.size(), kLibraryEventsPerSecond);
  clock.Advance(std::chrono::seconds(1));
  ASSERT_TRUE(dispatcher->Publish(Task{}));
  Settle();
  ASSERT_EQ(suppressed.size(), kLibraryEventsPerSecond + 1);
  EXPECT_EQ(suppressed.back(), 100 - kLibraryEventsPerSecond);
  EXPECT_EQ(StatsOf<Task>().deliveries.dead, 101U) << "the counters leave nothing out";
  dispatcher.reset();
}

TEST_P(FailureTest, E4_FailuresOnSeveralThreadsAreCountedAndLimitedTogether) {
  ManualClock clock;
  Make([&](DispatcherOptions& options) { options.clock = &clock; });
  constexpr int kPublishers = 3;
  constexpr int kEvents = 300;
  std::atomic<std::uint64_t> told{0};
  std::atomic<std::uint64_t> suppressed{0};
  const Subscription telling = dispatcher->Subscribe(
      [&](const ListenerFailed& e) {
        ++told;
        suppressed += e.suppressed;
      },
      Options());
  const Subscription failing =
      dispatcher->Subscribe([](const Task& e) { throw std::to_string(e.number); }, Options());
  PublishFromThreads(kPublishers, kEvents, [](int, int number) { return Task{number}; });
  EXPECT_EQ(StatsOf<Task>().deliveries.dead, static_cast<std::uint64_t>(kPublishers * kEvents));
  EXPECT_EQ(told, kLibraryEventsPerSecond);
  EXPECT_EQ(suppressed, 0U);
  clock.Advance(std::chrono::seconds(1));
  ASSERT_TRUE(dispatcher->Publish(Task{}));
  Settle();
  EXPECT_EQ(told, kLibraryEventsPerSecond + 1);
  EXPECT_EQ(suppressed, kPublishers * kEvents - kLibraryEventsPerSecond);
  dispatcher.reset();
}

TEST_P(FailureTest, E4_ASlowListenerOfLibraryEventsLosesTheOldest) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "an inline listener has no queue";
  if (mode() == Mode::kSynchronous) GTEST_SKIP() << "each is told before the next one is caused";
  Gate started;
  Gate go_on;
  std::mutex mutex;
  std::vector<std::string> names;
  const Subscription told = dispatcher->Subscribe(
      [&](const Orphaned& e) {
        started.Open();
        go_on.Wait();
        const std::lock_guard lock(mutex);
        names.emplace_back(e.event_type.name());
      },
      {.queue = {.events_max = 2}});
  struct First {};
  struct Second {};
  struct Third {};
  struct Fourth {};
  ASSERT_TRUE(dispatcher->Publish(First{}));
  if (threaded()) started.Wait();
  ASSERT_TRUE(dispatcher->Publish(Second{}));
  ASSERT_TRUE(dispatcher->Publish(Third{}));
  ASSERT_TRUE(dispatcher->Publish(Fourth{}));
  go_on.Open();
  Settle();
  // On a pool the first one was running already, and so had left the queue.
  ASSERT_EQ(names.size(), threaded() ? 3U : 2U);
  EXPECT_NE(names.back().find("Fourth"), std::string::npos);
  EXPECT_EQ(StatsOf<Orphaned>().deliveries.dropped, threaded() ? 1U : 2U);
}

TEST_P(FailureTest, E4_SeveralSlowListenersOfLibraryEventsLoseEachTheirOldest) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "the one above says how it is elsewhere";
  struct Heard {
    std::vector<EventType> types{};
  };
  std::vector<Heard> heard(3);
  std::vector<Subscription> listeners;
  for (Heard& each : heard) {
    listeners.push_back(
        dispatcher->Subscribe([&](const Orphaned& e) { each.types.push_back(e.event_type); },
                              {.queue = {.events_max = 2}}));
  }
  struct First {};
  struct Second {};
  struct Third {};
  struct Fourth {};
  ASSERT_TRUE(dispatcher->Publish(First{}));
  ASSERT_TRUE(dispatcher->Publish(Second{}));
  ASSERT_TRUE(dispatcher->Publish(Third{}));
  ASSERT_TRUE(dispatcher->Publish(Fourth{}));
  Settle();
  for (const Heard& each : heard) {
    EXPECT_EQ(each.types, (std::vector{EventTypeOf<Third>(), EventTypeOf<Fourth>()}));
  }
  EXPECT_EQ(StatsOf<Orphaned>().deliveries.dropped, 6U);
}

TEST_P(FailureTest, E3_ARefusedEventReachesNobodyAndIsNotMovedFrom) {
  if (on_publishing_thread()) GTEST_SKIP() << "its queues are empty whenever somebody publishes";
  struct Cargo {
    std::unique_ptr<int> content;
  };
  std::atomic<int> roomy_calls{0};
  Gate started;
  Gate go_on;
  const Subscription roomy = dispatcher->Subscribe([&](const Cargo&) { ++roomy_calls; });
  const Subscription tight = dispatcher->Subscribe(
      [&](const Cargo&) {
        started.Open();
        if (threaded()) go_on.Wait();
      },
      {.queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  ASSERT_TRUE(dispatcher->Publish(Cargo{std::make_unique<int>(1)}));
  if (threaded()) {
    started.Wait();
    ASSERT_TRUE(dispatcher->Publish(Cargo{std::make_unique<int>(2)}));
  }
  Cargo cargo{std::make_unique<int>(3)};
  const PublishResult result = dispatcher->Publish(std::move(cargo));
  EXPECT_EQ(result.code(), PublishResult::Code::kQueueFull);
  EXPECT_EQ(result.refuser(), tight.id());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  ASSERT_NE(cargo.content, nullptr);
  EXPECT_EQ(*cargo.content, 3);
  go_on.Open();
  Settle();
  EXPECT_EQ(StatsOf<Cargo>().refused, 1U);
  EXPECT_EQ(static_cast<std::uint64_t>(roomy_calls), StatsOf<Cargo>().published);
}

TEST_P(FailureTest, E1_ForcedUnwindingEndsTheThreadAndNothingElse) {
  if (!on_publishing_thread()) GTEST_SKIP() << "cancelling a pool's thread is its owner's bug";
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Task& e) {
        ++calls;
        if (e.number == 0) pthread_exit(nullptr);
      },
      Options());
  std::thread doomed([&] { static_cast<void>(dispatcher->Publish(Task{0})); });
  doomed.join();
  EXPECT_EQ(calls, 1);
  Settle();  // on a synchronous dispatcher, what was left behind
  ASSERT_TRUE(dispatcher->Publish(Task{1}));
  Settle();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(StatsOf<Task>().deliveries.dead, 1U);
}

TEST_P(FailureTest, WhatACancelledThreadLeavesBehindIsDeliveredByDrain) {
  if (mode() != Mode::kSynchronous) GTEST_SKIP() << "only a synchronous dispatcher has leftovers";
  std::atomic<int> later{0};
  const Subscription first = dispatcher->Subscribe([](const Task&) { pthread_exit(nullptr); });
  const Subscription second = dispatcher->Subscribe([&](const Task&) { ++later; });
  std::thread doomed([&] { static_cast<void>(dispatcher->Publish(Task{0})); });
  doomed.join();
  EXPECT_EQ(later, 0);
  EXPECT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained);
  EXPECT_EQ(later, 1);
}

// The event is accepted by then.
TEST_P(FailureTest, E1_AThreadThatEndsWhileAFailureIsToldLeavesTheEventToTheOthers) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "there a key is refused";
  Make([](DispatcherOptions& options) {
    options.log = [](LogLevel, std::string_view) { pthread_exit(nullptr); };
  });
  ListenerOptions options;
  options.key = [](const Task& task) -> int { throw task; };
  const Subscription failing = dispatcher->Subscribe([](const Task&) {}, options);
  std::atomic<int> calls{0};
  const Subscription other = dispatcher->Subscribe([&](const Task&) { ++calls; });
  std::thread doomed([&] { static_cast<void>(dispatcher->Publish(Task{0})); });
  doomed.join();
  if (manual != nullptr) manual->RunUntilIdle();
  EXPECT_EQ(dispatcher->Drain(std::chrono::seconds(2)), DrainResult::kDrained);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace belfry
