// Who gets the threads: a slow listener and a flooded one keep nobody else from his turn, and no
// wake-up is lost.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "belfry/completion.h"
#include "dispatch/mode_test.h"
#include "scale.h"

namespace belfry {
namespace {

struct Flood {};
struct Drop {};

// B5: a listener gives way after so many events.
constexpr int kTurn = 256;

class FairnessTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, FairnessTest, testing::Values(Mode::kManual, Mode::kPool1),
                         ModeTestName);

TEST_P(FairnessTest, B5_AmongFloodedListenersEachWaitsForOneTurnOfEachOther) {
  constexpr int kFlooded = 5;
  constexpr int kEvents = 5'000;
  struct Stop {};
  Gate go_on;
  Gate stopped;
  const Subscription stopper = dispatcher->Subscribe([&](const Stop&) {
    stopped.Open();
    if (threaded()) go_on.Wait();
  });
  ListenerOptions roomy;
  roomy.queue.events_max = kEvents;
  std::atomic<int> flooded{0};
  int before_the_drop = -1;
  std::vector<Subscription> listeners;
  for (int i = 0; i < kFlooded; ++i) {
    listeners.push_back(dispatcher->Subscribe([&](const Flood&) { ++flooded; }, roomy));
  }
  const Subscription quick = dispatcher->Subscribe([&](const Drop&) { before_the_drop = flooded; });
  ASSERT_TRUE(dispatcher->Publish(Stop{}));
  if (threaded()) stopped.Wait();
  for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(dispatcher->Publish(Flood{}));
  ASSERT_TRUE(dispatcher->Publish(Drop{}));
  go_on.Open();
  Settle();
  EXPECT_EQ(flooded, kFlooded * kEvents);
  EXPECT_GE(before_the_drop, 0);
  EXPECT_LE(before_the_drop, kFlooded * kTurn);
}

// It is always its own next event that it publishes: its queue never empties.
TEST_P(FairnessTest, B5_AListenerThatFeedsItselfDoesNotStarveTheOthers) {
  std::atomic<bool> dropped{false};
  std::atomic<int> fed{0};
  int fed_at_the_drop = -1;
  const Subscription greedy = dispatcher->Subscribe([&](const Flood&) {
    ++fed;
    if (fed == 10) {
      EXPECT_TRUE(dispatcher->Publish(Drop{}));
    }
    if (!dropped && fed < 100'000) {
      EXPECT_TRUE(dispatcher->Publish(Flood{}));
    }
  });
  const Subscription quick = dispatcher->Subscribe([&](const Drop&) {
    fed_at_the_drop = fed;
    dropped = true;
  });
  ASSERT_TRUE(dispatcher->Publish(Flood{}));
  Settle();
  EXPECT_GE(fed_at_the_drop, 10);
  EXPECT_LE(fed_at_the_drop, 10 + kTurn);
}

class PoolFairnessTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, PoolFairnessTest, testing::Values(Mode::kPool4), ModeTestName);

TEST_P(PoolFairnessTest, ListenersThatSleepLeaveTheOtherThreadsToTheOthers) {
  constexpr int kEvents = 20'000;
  struct Sleep {};
  Gate go_on;
  std::atomic<int> asleep{0};
  std::vector<Subscription> slow;
  for (int i = 0; i < 3; ++i) {  // of four threads
    slow.push_back(dispatcher->Subscribe([&](const Sleep&) {
      ++asleep;
      go_on.Wait();
    }));
  }
  ASSERT_TRUE(dispatcher->Publish(Sleep{}));
  ASSERT_TRUE(Eventually([&] { return asleep == 3; }));
  std::atomic<int> calls{0};
  std::vector<Subscription> fast;
  ListenerOptions patient;
  patient.overflow = Overflow::Block(kPatience);
  for (int i = 0; i < 4; ++i) {
    fast.push_back(dispatcher->Subscribe([&](const Drop&) { ++calls; }, patient));
  }
  for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(dispatcher->Publish(Drop{}));
  EXPECT_TRUE(Eventually([&] { return calls == 4 * kEvents; }));
  EXPECT_EQ(StatsOf<Sleep>().deliveries.running, 3U) << "they still sleep";
  go_on.Open();
  Settle();
}

// Each event waits for the one before to be over, so that every one finds idle threads, or threads
// that are just going idle.
class WakeUpTest : public ModeTest {};
BELFRY_IN_POOL_MODES(WakeUpTest);

TEST_P(WakeUpTest, NoListenerThatGoesIdleSleepsOverAnEvent) {
  struct Ping {
    std::atomic<int>* answered;
  };
  std::vector<Subscription> listeners;
  for (int i = 0; i < 3; ++i) {
    listeners.push_back(dispatcher->Subscribe([](const Ping& ping) { ++*ping.answered; }));
  }
  const int pings = Scaled(10'000, 1'000'000);
  for (int i = 0; i < pings; ++i) {
    std::atomic<int> answered{0};
    ASSERT_TRUE(dispatcher->Publish(Ping{&answered}));
    ASSERT_TRUE(Eventually([&] { return answered == 3; })) << "ping " << i << " was slept over";
  }
}

// All are woken when there is room for one; the others wait again.
TEST_P(WakeUpTest, B1_OfManyWhoWaitForOnePlaceEachGetsItInTurnAndNoneIsRefused) {
  constexpr int kPublishers = 4;
  const int events = Scaled(500, 20'000);
  std::atomic<int> calls{0};
  const Subscription listener =
      dispatcher->Subscribe([&](const Drop&) { ++calls; },
                            {.queue = {.events_max = 1}, .overflow = Overflow::Block(kPatience)});
  std::vector<std::thread> publishers;
  for (int p = 0; p < kPublishers; ++p) {
    publishers.emplace_back([&] {
      for (int i = 0; i < events; ++i) EXPECT_TRUE(dispatcher->Publish(Drop{}));
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  Settle();
  EXPECT_EQ(calls, kPublishers * events);
  EXPECT_EQ(StatsOf<Drop>().refused, 0U);
}

}  // namespace
}  // namespace belfry
