// Deliveries that fail and are tried again.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "belfry/manual_timers.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;

struct Mail {
  std::string to;
  int number = 0;
};

class RetryTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    MakeTimed();
  }
  void TearDown() override {
    if (dispatcher != nullptr) Finish();
    ModeTest::TearDown();
  }

  void MakeTimed() {
    Make([this](DispatcherOptions& options) {
      options.timers = &timers;
      options.clock = &timers.clock();
    });
  }
  DeliveryCounts Counts() const { return OnlyListener().deliveries; }
  void RunReady() {
    if (manual != nullptr) manual->RunUntilIdle();
  }
  void AwaitRetrying(std::uint64_t count) {
    EXPECT_TRUE(Eventually([&] {
      RunReady();
      const DeliveryCounts counts = Counts();
      return counts.retrying == count && counts.queued == 0 && counts.running == 0;
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

  ManualTimers timers;

 private:
  std::mutex mutex_;
  std::vector<int> attempts_;
};

TEST_P(RetryTest, WhatFailsIsTriedAgainUntilItSucceeds) {
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        if (AttemptsAt(mail.number) < 3) throw std::runtime_error("the server is busy");
      },
      {.retry = {.attempts_max = 5}});
  const auto outcome = dispatcher->PublishTracked(Mail{"a@example.org"});
  AwaitRetrying(1);
  EXPECT_FALSE(outcome.finished());
  Finish();
  EXPECT_TRUE(outcome.Wait().ok());
  EXPECT_EQ(attempts().size(), 3U);
  EXPECT_EQ(Counts().handled, 1U);
  EXPECT_EQ(Counts().dead, 0U);
}

TEST_P(RetryTest, AfterTheLastAttemptTheDeliveryIsDead) {
  std::mutex mutex;
  std::vector<std::pair<unsigned, bool>> told;
  const Subscription failures = dispatcher->Subscribe([&](const ListenerFailed& failed) {
    const std::lock_guard lock(mutex);
    told.emplace_back(failed.attempt, failed.final);
  });
  Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        return absl::UnavailableError("no route");
      },
      {.name = "send", .retry = {.attempts_max = 3}});
  const auto outcome = dispatcher->PublishTracked(Mail{"a@example.org"});
  Finish();
  ASSERT_EQ(outcome.Wait().deliveries.size(), 1U);
  EXPECT_EQ(outcome.Wait().deliveries[0].kind, DeliveryOutcome::Kind::kFailed);
  EXPECT_NE(outcome.Wait().deliveries[0].what.find("no route"), std::string::npos);
  EXPECT_EQ(attempts().size(), 3U);
  EXPECT_EQ(StatsOf<Mail>().deliveries.dead, 1U);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(told, (std::vector<std::pair<unsigned, bool>>{{1, false}, {2, false}, {3, true}}));
}

TEST_P(RetryTest, WhatIsPermanentIsNotTriedAgain) {
  const std::vector<std::function<absl::Status()>> ways = {
      [] { return absl::InvalidArgumentError("no such address"); },
      [] { return absl::PermissionDeniedError("not allowed"); },
      []() -> absl::Status { throw std::invalid_argument("no such address"); }};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        return ways[static_cast<std::size_t>(mail.number)]();
      },
      {.retry = {.attempts_max = 5}});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Mail{"", i}));
  Finish();
  EXPECT_EQ(attempts().size(), 3U);
  EXPECT_EQ(Counts().dead, 3U);
}

TEST_P(RetryTest, DelaysDoubleUpToTheLongestAndAreShortenedByAHalfAtMost) {
  const Subscription listener = dispatcher->Subscribe(
      [](const Mail&) { throw std::runtime_error("busy"); },
      {.retry = {.attempts_max = 6, .delay = milliseconds(100), .delay_max = milliseconds(500)}});
  ASSERT_TRUE(dispatcher->Publish(Mail{}));
  for (const int longest : {100, 200, 400, 500, 500}) {
    AwaitRetrying(1);
    EXPECT_TRUE(Eventually([&] { return timers.next().has_value(); }));
    const Nanoseconds delay = timers.next().value();
    EXPECT_GE(delay, milliseconds(longest) / 2);
    EXPECT_LE(delay, milliseconds(longest));
    timers.Advance(delay);
  }
  Finish();
  EXPECT_EQ(Counts().dead, 1U);
  EXPECT_FALSE(timers.next().has_value());
}

TEST_P(RetryTest, O6_ARetryComesBehindWhatIsQueuedByThen) {
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        if (mail.number == 1 && AttemptsAt(1) == 1) throw std::runtime_error("busy");
      },
      {.retry = {.attempts_max = 2}});
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(dispatcher->Publish(Mail{"", i}));
  AwaitRetrying(1);
  Finish();
  EXPECT_EQ(attempts(), (std::vector<int>{1, 2, 3, 1}));
}

TEST_P(RetryTest, O6_AnOrderedRetryHoldsTheListener) {
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        if (mail.number == 1 && AttemptsAt(1) < 3) throw std::runtime_error("busy");
      },
      {.retry = {.attempts_max = 3, .ordered = true}});
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(dispatcher->Publish(Mail{"", i}));
  Finish();
  EXPECT_EQ(attempts(), (std::vector<int>{1, 1, 1, 2, 3}));
}

TEST_P(RetryTest, O6_AnOrderedRetryHoldsItsKeyAndNoOther) {
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        if (mail.number == 1 && AttemptsAt(1) < 2) throw std::runtime_error("busy");
      },
      {.key = [](const Mail& mail) { return mail.to; },
       .concurrency = 2,
       .retry = {.attempts_max = 3, .ordered = true}});
  ASSERT_TRUE(dispatcher->Publish(Mail{"a", 1}));
  ASSERT_TRUE(dispatcher->Publish(Mail{"a", 2}));
  ASSERT_TRUE(dispatcher->Publish(Mail{"b", 3}));
  EXPECT_TRUE(Eventually([&] {
    RunReady();
    return AttemptsAt(3) == 1 && Counts().retrying == 1;
  }));
  EXPECT_EQ(AttemptsAt(2), 0);
  Finish();
  EXPECT_EQ(attempts().size(), 4U);
  const std::vector<int> all = attempts();
  EXPECT_EQ(all.back(), 2);
}

TEST_P(RetryTest, O6_WhatWaitsForItsRetryKeepsItsPlaceInTheQueue) {
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail&) { throw std::runtime_error("busy"); },
      {.queue = {.events_max = 2}, .overflow = Overflow::Reject(), .retry = {.attempts_max = 2}});
  for (std::uint64_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Mail{}));
    AwaitRetrying(i);
  }
  EXPECT_EQ(dispatcher->Publish(Mail{}).code(), PublishResult::Code::kQueueFull);
  Finish();
  EXPECT_EQ(Counts().dead, 2U);
  EXPECT_TRUE(dispatcher->Publish(Mail{}));
}

TEST_P(RetryTest, X4_WhatWaitsIsCancelledByAReset) {
  const auto captured = std::make_shared<int>();
  Subscription listener =
      dispatcher->Subscribe([captured](const Mail&) { throw std::runtime_error("busy"); },
                            {.retry = {.attempts_max = 2}});
  const auto outcome = dispatcher->PublishTracked(Mail{});
  AwaitRetrying(1);
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_EQ(captured.use_count(), 1);
  EXPECT_EQ(StatsOf<Mail>().deliveries.cancelled, 1U);
  EXPECT_EQ(outcome.Wait().deliveries.at(0).kind, DeliveryOutcome::Kind::kCancelled);
  EXPECT_EQ(timers.Advance(std::chrono::seconds(1)), 1U) << "and calls nobody";
}

TEST_P(RetryTest, X1_AListenerThatEndsItselfAndFailsIsNotTriedAgain) {
  Subscription listener;
  listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        listener.Detach();
        throw std::runtime_error("busy");
      },
      {.retry = {.attempts_max = 2}});
  ASSERT_TRUE(dispatcher->Publish(Mail{}));
  RunReady();
  Settle();
  timers.Advance(std::chrono::seconds(1));
  EXPECT_EQ(attempts().size(), 1U);
  EXPECT_EQ(StatsOf<Mail>().deliveries.cancelled, 1U);
}

TEST_P(RetryTest, X4_TheCallableThatIsThereThenIsCalled) {
  Subscription listener = dispatcher->Subscribe(
      [](const Mail&) { throw std::runtime_error("busy"); }, {.retry = {.attempts_max = 2}});
  ASSERT_TRUE(dispatcher->Publish(Mail{"", 7}));
  AwaitRetrying(1);
  EXPECT_EQ(listener.Replace([&](const Mail& mail) { Attempted(mail.number); }),
            ReplaceResult::kDone);
  Finish();
  EXPECT_EQ(attempts(), std::vector<int>{7});
  EXPECT_EQ(Counts().handled, 1U);
}

TEST_P(RetryTest, S1_ADiscardingShutdownCancelsWhatWaits) {
  Subscription listener = dispatcher->Subscribe(
      [](const Mail&) { throw std::runtime_error("busy"); }, {.retry = {.attempts_max = 2}});
  ASSERT_TRUE(dispatcher->Publish(Mail{}));
  AwaitRetrying(1);
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.cancelled, 1U);
  EXPECT_EQ(StatsOf<Mail>().deliveries.cancelled, 1U);
}

TEST_P(RetryTest, S3_ADrainingShutdownThatGivesUpSaysHowManyWait) {
  Subscription listener = dispatcher->Subscribe(
      [](const Mail&) { throw std::runtime_error("busy"); }, {.retry = {.attempts_max = 2}});
  ASSERT_TRUE(dispatcher->Publish(Mail{}));
  AwaitRetrying(1);
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, {});
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.queued, 1U);
  EXPECT_TRUE(report.stuck.empty());
  Finish();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

TEST_P(RetryTest, ANewerEventTakesThePlaceOfOneThatWaits) {
  std::atomic<bool> busy{true};
  Gate go_on;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        if (mail.to == "hold" && threaded()) go_on.Wait();
        if (mail.to == "a") Attempted(mail.number);
        if (mail.number == 1 && busy.exchange(false)) throw std::runtime_error("busy");
      },
      {.overflow = Overflow::Coalesce([](const Mail& mail) { return mail.to; }),
       .retry = {.attempts_max = 2}});
  ASSERT_TRUE(dispatcher->Publish(Mail{"a", 1}));
  AwaitRetrying(1);
  if (mode() == Mode::kSynchronous) return;  // nothing is ever queued outside of a publish
  ASSERT_TRUE(dispatcher->Publish(Mail{"hold", 0}));
  ASSERT_TRUE(dispatcher->Publish(Mail{"a", 2}));
  if (threaded()) {
    EXPECT_TRUE(Eventually([&] { return Counts().queued == 1 && Counts().running == 1; }));
  }
  timers.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Counts().coalesced, 1U);
  go_on.Open();
  Finish();
  EXPECT_EQ(attempts(), (std::vector<int>{1, 2}));
}

// --- On timers of its own ---

TEST_P(RetryTest, WithoutTimersOfTheUsersADispatcherHasItsOwn) {
  Make();
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        if (AttemptsAt(mail.number) < 3) throw std::runtime_error("busy");
      },
      {.retry = {.attempts_max = 3, .delay = milliseconds(1)}});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(dispatcher->Publish(Mail{"", i}));
  if (mode() == Mode::kSynchronous) {
    EXPECT_EQ(Counts().retrying, 0U) << "there nobody calls back: it is tried again at once";
  }
  EXPECT_TRUE(Eventually([&] {
    RunReady();
    return Counts().retrying + Counts().queued + Counts().running == 0;
  }));
  EXPECT_EQ(Counts().handled, 10U);
  EXPECT_EQ(attempts().size(), 30U);
}

TEST_P(RetryTest, D1_WhateverFailsAndHoweverOftenEachIsHandledOnceAtMost) {
  if (mode() == Mode::kManual) GTEST_SKIP() << "nobody runs what its timers post";
  Make();
  std::mutex mutex;
  std::map<int, int> handled;
  std::map<int, int> tried;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        const std::lock_guard lock(mutex);
        if (++tried[mail.number] < mail.number % 4) throw std::runtime_error("busy");
        ++handled[mail.number];
      },
      {.queue = {.events_max = 64},
       .concurrency = 3,
       .retry = {.attempts_max = 3, .delay = std::chrono::microseconds(10)}});
  PublishFromThreads(2, 500, [](int p, int i) { return Mail{"", p * 500 + i}; });
  EXPECT_EQ(Counts().handled, 1000U);
  for (const auto& [number, times] : handled) EXPECT_EQ(times, 1) << number;
}

TEST_P(RetryTest, WhatMeansNothingIsRefusedWithASentence) {
  const auto refused = [&](const ListenerOptions& options) {
    const Subscription listener = dispatcher->Subscribe([](const Mail&) {}, options);
    EXPECT_FALSE(listener);
    EXPECT_EQ(listener.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(listener.status().message());
  };
  EXPECT_EQ(refused({.name = "send", .retry = {.attempts_max = 0}}),
            "listener \"send\": Retry::attempts_max is 0: the first attempt is one, too");
  EXPECT_EQ(refused({.name = "send", .retry = {.attempts_max = 2, .delay = milliseconds(-1)}}),
            "listener \"send\": a delay of its Retry is negative");
  EXPECT_EQ(refused({.name = "send", .retry = {.ordered = true}}),
            "listener \"send\": Retry::ordered means nothing with one attempt");
  EXPECT_EQ(
      refused({.name = "send", .concurrency = 2, .retry = {.attempts_max = 2, .ordered = true}}),
      "listener \"send\": Retry::ordered means nothing where events run at the same time and "
      "have no key");
  EXPECT_EQ(refused({.name = "send", .retry = {.attempts_max = 2}, .once = true}),
            "listener \"send\": one that is called once cannot try again");
  EXPECT_EQ(refused({.name = "send", .deadline = milliseconds(-1)}),
            "listener \"send\": its deadline is negative");
  EXPECT_EQ(
      refused({.name = "send", .quarantine = {.failures = 3}}),
      "listener \"send\": Quarantine is so many failures within some time: both must be above "
      "0, or neither");
}

INSTANTIATE_TEST_SUITE_P(Modes, RetryTest,
                         testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

}  // namespace
}  // namespace belfry
