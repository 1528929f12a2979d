// Events that are not worth delivering any more.

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/timed_test.h"

namespace belfry {
namespace {

using std::chrono::seconds;

struct Quote {
  int number = 0;
};

using DeadlineTest = TimedTest;

TEST_P(DeadlineTest, WhatHasWaitedForLongerIsNotDeliveredButCountedAndTold) {
  std::atomic<int> expired{0};
  const Subscription expiries = dispatcher->Subscribe([&](const Expired& event) {
    EXPECT_EQ(event.listener, "show");
    EXPECT_EQ(event.event_type, EventTypeOf<Quote>());
    ++expired;
  });
  std::vector<int> got;
  Gate busy;
  Gate go_on;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Quote& quote) {
        got.push_back(quote.number);
        if (quote.number != 0) return;
        busy.Open();
        if (threaded()) {
          go_on.Wait();
        } else {
          for (int i = 1; i <= 2; ++i) dispatcher->Publish(Quote{i});
          timers.Advance(seconds(6));
          dispatcher->Publish(Quote{3});
          timers.Advance(seconds(4));
        }
      },
      {.name = "show", .deadline = seconds(5)});
  ASSERT_TRUE(dispatcher->Publish(Quote{0}));
  if (threaded()) {
    busy.Wait();
    for (int i = 1; i <= 2; ++i) ASSERT_TRUE(dispatcher->Publish(Quote{i}));
    timers.Advance(seconds(6));
    const auto outcome = dispatcher->PublishTracked(Quote{3});
    timers.Advance(seconds(5));
    go_on.Open();
    EXPECT_TRUE(outcome.Wait().ok()) << "it waited for no longer than it may";
  }
  Settle();
  EXPECT_EQ(got, (std::vector<int>{0, 3}));
  EXPECT_EQ(StatsOf<Quote>().deliveries.expired, 2U);
  EXPECT_EQ(expired, 2);
}

TEST_P(DeadlineTest, WhatExpiresIsAnOutcome) {
  Gate go_on;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Quote& quote) {
        if (quote.number == 0 && threaded()) go_on.Wait();
      },
      {.deadline = seconds(5)});
  if (mode() == Mode::kSynchronous) GTEST_SKIP() << "there nothing waits";
  ASSERT_TRUE(dispatcher->Publish(Quote{0}));
  const auto outcome = dispatcher->PublishTracked(Quote{1});
  if (threaded()) {
    EXPECT_TRUE(Eventually([&] { return OnlyListener().deliveries.running == 1; }));
  }
  timers.Advance(seconds(6));
  go_on.Open();
  Settle();
  ASSERT_EQ(outcome.Wait().deliveries.size(), 1U);
  EXPECT_EQ(outcome.Wait().deliveries[0].kind, DeliveryOutcome::Kind::kExpired);
}

TEST_P(DeadlineTest, AfterTheDeadlineNothingIsTriedAgain) {
  std::atomic<int> attempts{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Quote&) {
        ++attempts;
        throw std::runtime_error("busy");
      },
      {.retry = {.attempts_max = 10, .delay = seconds(2)}, .deadline = seconds(3)});
  ASSERT_TRUE(dispatcher->Publish(Quote{}));
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    if (timers.next().has_value()) timers.Advance(*timers.next());
    return OnlyListener().deliveries.dead == 1;
  }));
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(OnlyListener().deliveries.expired, 0U) << "it was tried, and failed";
}

TEST_P(DeadlineTest, WhatComesBackTooLateHasFailed) {
  if (!threaded()) GTEST_SKIP() << "needs a listener that is busy meanwhile";
  Gate busy;
  Gate go_on;
  std::atomic<int> attempts{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Quote& quote) {
        if (quote.number == 0) {
          busy.Open();
          go_on.Wait();
          return;
        }
        ++attempts;
        throw std::runtime_error("busy");
      },
      {.retry = {.attempts_max = 2, .delay = seconds(1)},
       .deadline = seconds(3),
       .dead_letters = true});
  ASSERT_TRUE(dispatcher->Publish(Quote{1}));
  EXPECT_TRUE(Eventually([&] { return OnlyListener().deliveries.retrying == 1; }));
  EXPECT_TRUE(Eventually([&] { return timers.next().has_value(); }));
  ASSERT_TRUE(dispatcher->Publish(Quote{0}));
  busy.Wait();
  timers.Advance(seconds(10));
  go_on.Open();
  Settle();
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(OnlyListener().deliveries.dead, 1U);
  EXPECT_EQ(dispatcher->dead_letters().List().at(0).what, "its deadline has passed");
}

INSTANTIATE_TEST_SUITE_P(Modes, DeadlineTest,
                         testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

}  // namespace
}  // namespace belfry
