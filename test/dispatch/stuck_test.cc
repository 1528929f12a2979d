// S3: what a shutdown says of those who do not end; and shutdowns that meet such a one.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Work {
  int left = 0;
};

class StuckTest : public ModeTest {
 protected:
  // A listener that has begun with the first of so many events, and stays there until it may end.
  Subscription StuckListener(int events, std::string name = {}) {
    Subscription listener = dispatcher->Subscribe(
        [this](const Work&) {
          began.Open();
          may_end.Wait();
        },
        {.name = std::move(name)});
    for (int i = 0; i < events; ++i) EXPECT_TRUE(dispatcher->Publish(Work{}));
    began.Wait();
    return listener;
  }

  Gate began;
  Gate may_end;
};
BELFRY_IN_POOL_MODES(StuckTest);

TEST_P(StuckTest, S3_PastTheDeadlineItReportsWhatIsStuckAndMayBeCalledAgain) {
  const Subscription listener = StuckListener(2, "stubborn");
  constexpr auto kShort = std::chrono::milliseconds(20);
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, kShort);
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.stuck.size(), 1U);
  EXPECT_EQ(report.stuck[0].listener, "stubborn");
  EXPECT_EQ(report.stuck[0].event_type, EventTypeOf<Work>());
  EXPECT_GT(report.stuck[0].thread, 0);
  // For certain: since Shutdown saw it, which was a little after its deadline began to run.
  EXPECT_GT(report.stuck[0].running_for, Nanoseconds::zero());
  EXPECT_EQ(report.queued, 1U);
  may_end.Open();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

TEST_P(StuckTest, S3_WhatIsStuckIsSeenToBeThoughItsListenerHandlesOthers) {
  if (mode() != Mode::kPool4) GTEST_SKIP() << "needs several threads";
  Gate busy;
  Gate go_on;
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Work&) {
        const int call = ++calls;
        if (call == 1) {
          began.Open();
          may_end.Wait();
        } else if (call == 2) {
          busy.Open();
          go_on.Wait();
        }
      },
      {.concurrency = 2});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Work{}));
  began.Wait();
  busy.Wait();
  const Source source = dispatcher->AddSource("others", [&] {
    go_on.Open();
    EXPECT_TRUE(Eventually([&] { return OnlyListener().deliveries.handled == 2; }));
  });
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, Nanoseconds::zero());
  ASSERT_EQ(report.stuck.size(), 1U);
  EXPECT_GT(report.stuck[0].running_for, Nanoseconds::zero());
  may_end.Open();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

// What began after Shutdown had begun to watch has not been running since then, though the one
// before it, in the same turn or the same pass, had.
TEST_P(StuckTest, S3_WhatBeganLaterHasNotBeenRunningSinceTheShutdownBegan) {
  for (const auto run : {belfry::Run::kQueued, belfry::Run::kInline}) {
    Make();
    Gate started[2];
    Gate go_on[2];
    const auto stay = [&](int number) {
      started[number].Open();
      go_on[number].Wait();
    };
    std::atomic<int> calls{0};
    std::vector<Subscription> listeners;
    // Two events for one queued listener, one event for two inline ones.
    for (int i = 0; i < (run == belfry::Run::kInline ? 2 : 1); ++i) {
      listeners.push_back(
          dispatcher->Subscribe([&](const Work&) { stay(calls++); }, {.name = "slow", .run = run}));
    }
    std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Work{})); });
    started[0].Wait();
    if (run == belfry::Run::kQueued) {
      ASSERT_TRUE(dispatcher->Publish(Work{}));
    }
    const Source source = dispatcher->AddSource("second", [&] {
      go_on[0].Open();
      started[1].Wait();
    });
    const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, Nanoseconds::zero());
    ASSERT_EQ(report.stuck.size(), 1U);
    EXPECT_EQ(report.stuck[0].running_for, Nanoseconds::zero());
    go_on[1].Open();
    publisher.join();
    EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  }
}

TEST_P(StuckTest, S1_EachShutdownReportsWhatItHasCancelledItself) {
  const Subscription listener = StuckListener(6);
  EXPECT_EQ(dispatcher->Shutdown(ShutdownMode::kDiscard, Nanoseconds(0)).cancelled, 5U);
  EXPECT_EQ(dispatcher->Shutdown(ShutdownMode::kDiscard, Nanoseconds(0)).cancelled, 0U);
  may_end.Open();
  EXPECT_EQ(dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience).cancelled, 0U);
}

TEST_P(StuckTest, S2_ADiscardOvertakesADrainThatWaits) {
  const Subscription listener = StuckListener(6);
  std::thread drainer(
      [&] { EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete); });
  EXPECT_TRUE(Eventually([&] { return dispatcher->closed(); }));
  const ShutdownReport report =
      dispatcher->Shutdown(ShutdownMode::kDiscard, std::chrono::milliseconds(10));
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.cancelled, 5U);
  EXPECT_EQ(report.stuck.size(), 1U);
  may_end.Open();
  drainer.join();
  EXPECT_EQ(StatsOf<Work>().deliveries.handled, 1U);
}

}  // namespace
}  // namespace belfry
