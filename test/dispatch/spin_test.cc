// On a pool whose threads never sleep a listener waits for its next event on its thread. Whoever
// wants something of it meanwhile is not kept waiting by that.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "belfry/dispatcher.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Tick {};
struct Tock {};

class SpinTest : public testing::TestWithParam<unsigned> {
 protected:
  // Returns once `listener` has had an event, and so waits for the next.
  void Tickle() {
    const int before = ticks;
    EXPECT_TRUE(dispatcher.Publish(Tick{}));
    EXPECT_TRUE(Eventually([&] { return ticks == before + 1; }));
  }

  std::atomic<int> ticks{0};
  Dispatcher dispatcher{{.pool = {.threads = GetParam(), .spin = Nanoseconds::max()}}};
  Subscription listener = dispatcher.Subscribe([this](const Tick&) { ++ticks; });
};
INSTANTIATE_TEST_SUITE_P(Threads, SpinTest, testing::Values(1U, 2U));

TEST_P(SpinTest, OthersGetTheThread) {
  std::atomic<int> tocks{0};
  const Subscription other = dispatcher.Subscribe([&](const Tock&) { ++tocks; });
  for (int i = 1; i <= 20; ++i) {
    Tickle();
    ASSERT_TRUE(dispatcher.Publish(Tock{}));
    ASSERT_TRUE(Eventually([&] { return tocks == i; }));
  }
}

TEST_P(SpinTest, ADrainEnds) {
  for (int i = 0; i < 20; ++i) {
    Tickle();
    ASSERT_EQ(dispatcher.Drain(kPatience), DrainResult::kDrained);
  }
}

TEST_P(SpinTest, AResetEnds) {
  for (int i = 0; i < 20; ++i) {
    Tickle();
    ASSERT_EQ(listener.Reset(), ResetResult::kDone);
    listener = dispatcher.Subscribe([this](const Tick&) { ++ticks; });
  }
}

TEST_P(SpinTest, AReplaceEnds) {
  for (int i = 0; i < 20; ++i) {
    Tickle();
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> former = alive;
    ASSERT_EQ(listener.Replace([this, alive = std::move(alive)](const Tick&) { ++ticks; }),
              ReplaceResult::kDone);
    Tickle();
    ASSERT_EQ(listener.Replace([this](const Tick&) { ++ticks; }), ReplaceResult::kDone);
    ASSERT_TRUE(former.expired());
  }
}

TEST_P(SpinTest, WhatIsMutedIsPassedOverAndCounted) {
  Tickle();
  listener.Mute();
  ASSERT_TRUE(dispatcher.Publish(Tick{}));
  ASSERT_EQ(dispatcher.Drain(kPatience), DrainResult::kDrained);
  listener.Unmute();
  Tickle();
  EXPECT_EQ(dispatcher.GetStats().listeners.at(0).deliveries.filtered, 1U);
}

TEST_P(SpinTest, AShutdownEnds) {
  Tickle();
  EXPECT_TRUE(dispatcher.Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

TEST_P(SpinTest, TheDestructorEnds) { Tickle(); }

}  // namespace
}  // namespace belfry
