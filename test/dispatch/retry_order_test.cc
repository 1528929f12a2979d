// In which order what failed is tried again, and what that means for the others.

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "dispatch/retry_mode.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using Mail = LetterToSend;
class RetryOrderTest : public RetryTest {};

TEST_P(RetryOrderTest, WhatIsHeldInOrderIsSupersededAndWhatSupersedesItStarts) {
  const Subscription listener = dispatcher->Subscribe(
      [&](const Mail& mail) {
        Attempted(mail.number);
        if (mail.number == 1) throw std::runtime_error("busy");
      },
      {.overflow = Overflow::Coalesce([](const Mail& mail) { return mail.to; }),
       .retry = {.attempts_max = 2, .ordered = true}});
  ASSERT_TRUE(dispatcher->Publish(Mail{"a", 1}));
  AwaitRetrying(1);
  ASSERT_TRUE(dispatcher->Publish(Mail{"a", 2}));
  timers.Advance(std::chrono::seconds(1));
  Settle();
  EXPECT_EQ(attempts(), (std::vector<int>{1, 2}));
  EXPECT_EQ(Counts().coalesced, 1U);
}

TEST_P(RetryOrderTest, O6_ARetryComesBehindWhatIsQueuedByThen) {
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

TEST_P(RetryOrderTest, O6_AnOrderedRetryHoldsTheListener) {
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

TEST_P(RetryOrderTest, O6_AnOrderedRetryHoldsItsKeyAndNoOther) {
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

TEST_P(RetryOrderTest, O6_WhatWaitsForItsRetryKeepsItsPlaceInTheQueue) {
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

TEST_P(RetryOrderTest, ANewerEventTakesThePlaceOfOneThatWaits) {
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

TEST_P(RetryOrderTest, D1_WhateverFailsAndHoweverOftenEachIsHandledOnceAtMost) {
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

TEST_P(RetryOrderTest, WhatMeansNothingIsRefusedWithASentence) {
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

BELFRY_IN_RETRY_MODES(RetryOrderTest);

}  // namespace
}  // namespace belfry
