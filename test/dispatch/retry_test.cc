// Deliveries that fail and are tried again.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "belfry/thread_pool.h"
#include "dispatch/retry_mode.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using Mail = LetterToSend;

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
  int unshortened = 0;
  for (const int longest : {100, 200, 400, 500, 500}) {
    AwaitRetrying(1);
    EXPECT_TRUE(Eventually([&] { return timers.next().has_value(); }));
    const Nanoseconds delay = timers.next().value();
    EXPECT_GE(delay, milliseconds(longest) / 2);
    EXPECT_LE(delay, milliseconds(longest));
    if (delay == milliseconds(longest)) ++unshortened;
    timers.Advance(delay);
  }
  Finish();
  EXPECT_EQ(Counts().dead, 1U);
  EXPECT_FALSE(timers.next().has_value());
  EXPECT_LT(unshortened, 2);
}

TEST_P(RetryTest, WhatFailsTogetherDoesNotComeBackTogether) {
  const Subscription listener =
      dispatcher->Subscribe([](const Mail&) { throw std::runtime_error("busy"); },
                            {.retry = {.attempts_max = 2, .delay = milliseconds(100)}});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(dispatcher->Publish(Mail{}));
  AwaitRetrying(100);
  int early = 0;
  std::set<Nanoseconds> steps;
  for (Nanoseconds time{}; timers.next().has_value();) {
    steps.insert(time += *timers.next());
    if (time < milliseconds(75)) ++early;
    timers.Advance(*timers.next());
  }
  EXPECT_GT(steps.size(), 90U);
  EXPECT_GT(early, 25);
  EXPECT_LT(early, 75);
}

TEST_P(RetryTest, E2_WhatIsTriedAgainWhileTheListenerIsMutedHasFailed) {
  const Subscription listener =
      dispatcher->Subscribe([](const Mail&) { throw std::runtime_error("busy"); },
                            {.name = "send",
                             .retry = {.attempts_max = 5},
                             .dead_letters = true,
                             .quarantine = {.failures = 1, .within = std::chrono::seconds(10)}});
  const auto outcome = dispatcher->PublishTracked(Mail{});
  AwaitRetrying(1);
  Finish();
  EXPECT_EQ(Counts().dead, 1U);
  ASSERT_EQ(dispatcher->dead_letters().size(), 1U);
  EXPECT_EQ(dispatcher->dead_letters().List()[0].what, "the listener is muted");
  EXPECT_EQ(outcome.Wait().deliveries.at(0).kind, DeliveryOutcome::Kind::kFailed);
  const absl::Status status =
      dispatcher->dead_letters().Retry(dispatcher->dead_letters().List()[0].number);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(dispatcher->dead_letters().size(), 1U);
}

// Calls back on a thread of the test's.
class OtherThread final : public Executor {
 public:
  explicit OtherThread(Executor& executor) : executor_(executor) {}
  void Post(Runnable& work) override {
    if (++posts_ == 2) {
      posting.Open();
      go_on.Wait();
    }
    executor_.Post(work);
  }
  Gate posting;
  Gate go_on;

 private:
  Executor& executor_;
  std::atomic<int> posts_{0};
};

TEST_P(RetryTest, S1_AShutdownWaitsForWhoPostsARetry) {
  if (!threaded()) GTEST_SKIP() << "needs a thread that calls back";
  ThreadPool pool;
  OtherThread executor(pool);
  Make([&](DispatcherOptions& options) {
    options.executor = &executor;
    options.timers = &timers;
    options.clock = &timers.clock();
  });
  const Subscription listener = dispatcher->Subscribe(
      [](const Mail&) { throw std::runtime_error("busy"); }, {.retry = {.attempts_max = 2}});
  ASSERT_TRUE(dispatcher->Publish(Mail{}));
  AwaitRetrying(1);
  std::thread caller([&] { timers.Advance(std::chrono::seconds(1)); });
  executor.posting.Wait();
  EXPECT_FALSE(dispatcher->Shutdown(ShutdownMode::kDiscard, milliseconds(50)).complete);
  executor.go_on.Open();
  caller.join();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience).complete);
  dispatcher.reset();
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
  EXPECT_TRUE(Eventually([&] { return !timers.next().has_value(); }));
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

BELFRY_IN_RETRY_MODES(RetryTest);

}  // namespace
}  // namespace belfry
