// M1 and M2: how much memory a dispatcher takes at most, and what it leaves behind.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "belfry/subscription_bag.h"
#include "dispatch/counting_allocator.h"
#include "scale.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Value {
  std::array<std::uint64_t, 4> words{};
};
struct Crate {
  std::string content;
};
std::size_t BelfryEventBytes(const Crate& event) { return sizeof(event) + event.content.size(); }

// What one event takes in a queue beside its own bytes: a cell, its share of a page, and if it is
// on the heap its envelope.
constexpr std::int64_t kNodeMax = 512;
// What a dispatcher and a topic take whatever happens.
constexpr std::int64_t kConstant = 256 << 10;

class MemoryTest : public testing::Test {};

// Filled to the brim, over and over, by as many listeners as like: M1.
TEST_F(MemoryTest, M1_FullQueuesTakeNoMoreThanTheirLimitsSay) {
  constexpr std::size_t kEventsMax = 4096;
  constexpr std::size_t kBytesMax = 1 << 20;
  const std::int64_t before = LiveBytes();
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor, .log = [](LogLevel, std::string_view) {}});
  SubscriptionBag bag;
  const ListenerOptions options{.queue = {.events_max = kEventsMax, .bytes_max = kBytesMax},
                                .overflow = Overflow::Reject()};
  for (int i = 0; i < 4; ++i) {
    bag += dispatcher.Subscribe([](const Value&) {}, options);
    bag += dispatcher.Subscribe([](const Crate&) {}, options);
  }
  constexpr std::int64_t kValues = std::int64_t{kEventsMax} * kNodeMax;
  constexpr std::int64_t kCrates = std::int64_t{kEventsMax} * kNodeMax + kBytesMax;
  for (int round = 0; round < 20; ++round) {
    std::size_t values = 0;
    std::size_t crates = 0;
    while (dispatcher.Publish(Value{})) ++values;
    while (dispatcher.Publish(Crate{std::string(1000, 'x')})) ++crates;
    for (int refused = 0; refused < 1000; ++refused) {
      ASSERT_FALSE(dispatcher.Publish(Value{}));
      ASSERT_FALSE(dispatcher.Publish(Crate{std::string(1000, 'x')}));
    }
    EXPECT_EQ(values, kEventsMax);
    EXPECT_NEAR(static_cast<double>(crates), double{kBytesMax} / 1032, 2);
    ASSERT_LE(LiveBytes() - before, kValues + kCrates + kConstant) << "in round " << round;
    executor.RunUntilIdle();
  }
}

// Of what a long queue needed, a part is kept to be used again: M1.
TEST_F(MemoryTest, M1_RoomForManyEventsIsGivenBack) {
  constexpr std::size_t kEvents = 100'000;
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  const Subscription listener =
      dispatcher.Subscribe([](const Value&) {}, {.queue = {.events_max = kEvents}});
  const std::int64_t before = LiveBytes();
  for (std::size_t i = 0; i < kEvents; ++i) ASSERT_TRUE(dispatcher.Publish(Value{}));
  EXPECT_GE(LiveBytes() - before, std::int64_t{kEvents * sizeof(Value)});
  executor.RunUntilIdle();
  EXPECT_LE(LiveBytes() - before, std::int64_t{kEvents * sizeof(Value)} / 2);
}

// A callable type of its own for each number.
template <int kNumber>
struct Fleeting {
  std::unique_ptr<int> captured = std::make_unique<int>(kNumber);
  void operator()(const Value&) const {}
};

template <int... kNumbers>
void ComeAndGo(Dispatcher& dispatcher, Run run, bool wait,
               std::integer_sequence<int, kNumbers...>) {
  const auto once = [&](auto fleeting) {
    Subscription subscription = dispatcher.Subscribe(std::move(fleeting), {.run = run});
    if (!wait) return subscription.Detach();
    EXPECT_EQ(subscription.Reset(), ResetResult::kDone);
  };
  (once(Fleeting<kNumbers>{}), ...);
}

constexpr int kTypes = 20;
constexpr int kRounds = 100'000 / kTypes;
constexpr auto kAll = std::make_integer_sequence<int, kTypes>{};

// What subscribing and ending 100,000 times leaves behind.
void ExpectNothingKept(Dispatcher& dispatcher, Run run, bool wait) {
  for (int round = 0; round < 10; ++round) ComeAndGo(dispatcher, run, wait, kAll);
  const std::int64_t bytes = LiveBytes();
  const std::int64_t blocks = LiveBlocks();
  for (int round = 0; round < kRounds; ++round) ComeAndGo(dispatcher, run, wait, kAll);
  EXPECT_LE(LiveBytes() - bytes, 64 << 10);
  EXPECT_LE(LiveBlocks() - blocks, 100);
}

TEST_F(MemoryTest, M1_ListenersOfManyTypesThatComeAndGoLeaveNothingBehind) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  for (const auto run : {belfry::Run::kInline, belfry::Run::kQueued}) {
    ExpectNothingKept(dispatcher, run, true);
    ExpectNothingKept(dispatcher, run, false);
  }
}

// A reader that stands still inside a pass must not keep what others leave: M1.
void StandStill(Run run, bool wait) {
  Dispatcher dispatcher({.pool = {.threads = 2}});
  Gate inside;
  Gate go_on;
  const Subscription still = dispatcher.Subscribe(
      [&](const Value&) {
        inside.Open();
        go_on.Wait();
      },
      {.run = run});
  std::thread publisher([&] { EXPECT_TRUE(dispatcher.Publish(Value{})); });
  inside.Wait();
  ExpectNothingKept(dispatcher, run, wait);
  go_on.Open();
  publisher.join();
}

TEST_F(MemoryTest, M1_WhoStandsStillInAPassKeepsNothingOfAHundredThousandResets) {
  StandStill(belfry::Run::kInline, true);
}
TEST_F(MemoryTest, M1_WhoStandsStillInAPassKeepsNothingOfAHundredThousandDetaches) {
  StandStill(belfry::Run::kInline, false);
}
TEST_F(MemoryTest, M1_AQueuedListenerThatStandsStillKeepsNothingOfThoseThatComeAndGo) {
  StandStill(belfry::Run::kQueued, true);
  StandStill(belfry::Run::kQueued, false);
}

// What such a reader did keep goes when it moves on.
TEST_F(MemoryTest, M1_GroupsThatAPassKeptAreGivenBackWhenItEnds) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  Gate inside;
  Gate go_on;
  const Subscription still = dispatcher.Subscribe(
      [&](const Value& event) {
        if (event.words[0] != 1) return;
        inside.Open();
        go_on.Wait();
      },
      {.run = belfry::Run::kInline});
  const auto crowd = [&] {
    SubscriptionBag bag;
    for (int i = 0; i < 5'000; ++i) {
      bag += dispatcher.Subscribe(Fleeting<0>{}, {.run = belfry::Run::kInline});
    }
  };
  crowd();
  ASSERT_TRUE(dispatcher.Publish(Value{}));
  std::thread publisher([&] { EXPECT_TRUE(dispatcher.Publish(Value{{1}})); });
  inside.Wait();
  const std::int64_t bytes = LiveBytes();
  crowd();
  go_on.Open();
  publisher.join();
  ASSERT_TRUE(dispatcher.Publish(Value{}));
  EXPECT_LE(LiveBytes() - bytes, 4096);
}

// What was needed for many goes when they go.
TEST_F(MemoryTest, M1_RoomForManyInlineListenersIsGivenBack) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  const Subscription first =
      dispatcher.Subscribe([](const Value&) {}, {.run = belfry::Run::kInline});
  const auto crowd = [&] {
    SubscriptionBag bag;
    for (int i = 0; i < 10'000; ++i) {
      bag += dispatcher.Subscribe(Fleeting<0>{}, {.run = belfry::Run::kInline});
    }
    ASSERT_TRUE(dispatcher.Publish(Value{}));
  };
  crowd();
  const std::int64_t after_one = LiveBytes();
  for (int i = 0; i < 5; ++i) crowd();
  EXPECT_LE(LiveBytes() - after_one, 4096);
  EXPECT_LE(after_one, std::int64_t{3} << 20) << "10,000 listeners may be kept to be used again";
}

template <int kNumber>
struct Passing {
  std::string text = std::string(50, 'x');
};

// Everything a dispatcher can do, and then no dispatcher any more.
template <int... kNumbers>
void LiveAndDie(std::integer_sequence<int, kNumbers...>) {
  Dispatcher dispatcher({.pool = {.threads = 2}, .log = [](LogLevel, std::string_view) {}});
  SubscriptionBag bag;
  const auto subscribe = [&](auto passing) {
    using E = decltype(passing);
    bag += dispatcher.Subscribe([](const E&) {});
    bag += dispatcher.Subscribe([](const E&) { throw 42; }, {.name = "failing"});
    bag += dispatcher.Subscribe([](const E&, Context&) {}, {.run = belfry::Run::kInline});
  };
  (subscribe(Passing<kNumbers>{}), ...);
  const auto publish = [&](auto passing) { EXPECT_TRUE(dispatcher.Publish(std::move(passing))); };
  for (int i = 0; i < 50; ++i) (publish(Passing<kNumbers>{}), ...);
  (static_cast<void>(dispatcher.PublishTracked(Passing<kNumbers>{})), ...);
  const Source source = dispatcher.AddSource("source", [] {});
  std::thread other([&] { (publish(Passing<kNumbers>{}), ...); });
  other.join();
  Subscription unused = dispatcher.Subscribe([](const Value&) {});
  EXPECT_EQ(unused.Replace([more = std::string(50, 'x')](const Value&) {}), ReplaceResult::kDone);
}

// Of the process are the names of types, and the records of as many threads as there were at once:
// four here, each with its counts.
constexpr std::int64_t kRecordsMax = 4;
constexpr std::int64_t kRecordBytes = 16 << 10;

TEST_F(MemoryTest, M2_ADispatcherThatIsGoneLeavesNothing) {
  constexpr auto kFew = std::make_integer_sequence<int, 5>{};
  LiveAndDie(kFew);
  const std::int64_t blocks = LiveBlocks();
  const std::int64_t bytes = LiveBytes();
  for (int round = 0; round < 200; ++round) {
    LiveAndDie(kFew);
    ASSERT_LE(LiveBlocks(), blocks + 2 * kRecordsMax) << "in round " << round;
    ASSERT_LE(LiveBytes(), bytes + kRecordsMax * kRecordBytes);
  }
}

TEST_F(MemoryTest, M2_WhatStaysOfATypeIsItsName) {
  LiveAndDie(std::make_integer_sequence<int, 5>{});
  const std::int64_t blocks = LiveBlocks();
  const std::int64_t bytes = LiveBytes();
  LiveAndDie(std::make_integer_sequence<int, 25>{});
  constexpr std::int64_t kNewTypes = 20;
  EXPECT_LE(LiveBlocks() - blocks, 3 * kNewTypes + 2 * kRecordsMax);
  EXPECT_LE(LiveBytes() - bytes, 1024 * kNewTypes + kRecordsMax * kRecordBytes);
}

TEST_F(MemoryTest, M2_WhatStaysOfAThreadIsUsedByTheNextOne) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  std::atomic<int> calls{0};
  const Subscription listener =
      dispatcher.Subscribe([&](const Value&) { ++calls; }, {.run = belfry::Run::kInline});
  const auto publish_from_a_new_thread = [&] {
    std::thread([&] { EXPECT_TRUE(dispatcher.Publish(Value{})); }).join();
  };
  publish_from_a_new_thread();
  const std::int64_t blocks = LiveBlocks();
  for (int i = 0; i < 1000; ++i) publish_from_a_new_thread();
  EXPECT_LE(LiveBlocks(), blocks);
  EXPECT_EQ(calls, 1001);
}

TEST_F(MemoryTest, M1_ListenersOfOneTypeTakeNoMoreThanThemselves) {
  constexpr int kListeners = 2'000;
  constexpr std::int64_t kListenerMax = 896;
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  const std::int64_t before = LiveBytes();
  SubscriptionBag bag;
  for (int i = 0; i < kListeners; ++i) bag += dispatcher.Subscribe([](const Value&) {});
  EXPECT_LE(LiveBytes() - before, kListeners * kListenerMax + kConstant);
}

}  // namespace
}  // namespace belfry
