// Memory of listeners that ask for an order: R4 when there is none, and that none is left behind.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/subscription_bag.h"
#include "dispatch/counting_allocator.h"
#include "dispatch/out_of_memory.h"
#include "waiting.h"

namespace belfry {
namespace {

class OrderOutOfMemoryTest : public OutOfMemoryTest {
 protected:
  void Say(char name) { said_ += name; }
  std::string Called(Dispatcher& asked) {
    said_.clear();
    EXPECT_TRUE(asked.Publish(Load{}));
    return said_;
  }

 private:
  std::string said_ = std::string(100, ' ');  // room
};
INSTANTIATE_TEST_SUITE_P(Memory, OrderOutOfMemoryTest,
                         testing::Values(Failing::kOne, Failing::kAllFrom),
                         [](const auto& failing) {
                           return failing.param == Failing::kOne ? "OneFails" : "AllFromOneOnFail";
                         });

TEST_P(OrderOutOfMemoryTest, R4_ASubscribeWithAnOrderThatFindsNoMemoryChangesNothing) {
  Dispatcher synchronous({.synchronous = true, .log = [](LogLevel, std::string_view) {}});
  for (Dispatcher* const asked : {&dispatcher, &synchronous}) {
    const auto subscribe = [&](char name, ListenerOrder order) {
      return asked->Subscribe(
          [this, name](const Load&) { Say(name); },
          {.name = std::string(100, name), .run = Run::kInline, .order = std::move(order)});
    };
    const Subscription late = subscribe('z', {.phase = Phase::kLate});
    const Subscription b = subscribe('b', {});
    std::vector<Subscription> made;
    made.reserve(2);
    for (const bool moves_trivially : {true, false}) {
      const int failures = FailEachAllocationOf([&] {
        const std::string before = Called(*asked);
        ListenerOptions options{.name = std::string(100, 'a'), .run = Run::kInline};
        options.order = {.before = {std::string(100, 'b')}, .after = {"nobody"}};
        std::string text(100, 'x');
        const bool subscribed = Armed([&] {
          made.push_back(
              moves_trivially
                  ? asked->Subscribe([this](const Load&) { Say('a'); }, std::move(options))
                  : asked->Subscribe([this, text = std::move(text)](const Load&) { Say('a'); },
                                     std::move(options)));
        });
        EXPECT_EQ(Called(*asked), (subscribed ? "a" : "") + before);
      });
      EXPECT_GE(failures, 5);
    }
    EXPECT_EQ(Called(*asked), "aabz");
  }
}

TEST_P(OrderOutOfMemoryTest, X4_AReplaceThatFindsNoMemoryLeavesTheFormerCallableInItsPlace) {
  const auto subscribe = [&](char name, ListenerOrder order) {
    return dispatcher.Subscribe([this, name](const Load&) { Say(name); },
                                {.run = Run::kInline, .order = std::move(order)});
  };
  const Subscription last = subscribe('c', {.phase = Phase::kLate});
  Subscription middle = subscribe('b', {});
  const Subscription first = subscribe('a', {.phase = Phase::kEarly});
  FailEachAllocationOf([&] {
    std::string text(100, 'x');
    const bool replaced = Armed([&] {
      EXPECT_EQ(middle.Replace([this, text = std::move(text)](const Load&) { Say('B'); }),
                ReplaceResult::kDone);
    });
    EXPECT_EQ(Called(dispatcher), replaced ? "aBc" : "abc");
  });
  EXPECT_EQ(Called(dispatcher), "aBc");
}

struct Value {
  int number = 0;
};

class OrderMemoryTest : public testing::Test {
 protected:
  void ComeAndGo(Dispatcher& dispatcher, int times) {
    for (int i = 0; i < times; ++i) {
      Subscription one = dispatcher.Subscribe(
          [](const Value&) {}, {.name = "one", .run = Run::kInline, .order = {.priority = i % 3}});
      EXPECT_EQ(one.Replace([more = std::string(50, 'x')](const Value&) {}), ReplaceResult::kDone);
    }
  }
};

TEST_F(OrderMemoryTest, M1_ListenersWithAnOrderThatComeAndGoLeaveNothingBehind) {
  for (const bool synchronous : {false, true}) {
    Dispatcher dispatcher({.pool = {.threads = 1}, .synchronous = synchronous});
    const Subscription stays =
        dispatcher.Subscribe([](const Value&) {}, {.run = Run::kInline, .order = {.priority = 1}});
    ComeAndGo(dispatcher, 100);
    const std::int64_t blocks = LiveBlocks();
    ComeAndGo(dispatcher, 10'000);
    EXPECT_LE(LiveBlocks(), blocks + 4);
  }
}

// A pass that stands still keeps the order that it goes through, and no other.
TEST_F(OrderMemoryTest, M1_APassThatStandsStillKeepsOneOrder) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  Gate inside;
  Gate go_on;
  SubscriptionBag bag;
  int behind = 0;
  bag += dispatcher.Subscribe(
      [&](const Value& value) {
        if (value.number == 0) return;
        inside.Open();
        go_on.Wait();
      },
      {.run = Run::kInline, .order = {.phase = Phase::kEarly}});
  bag += dispatcher.Subscribe([&](const Value& value) { behind += value.number; },
                              {.run = Run::kInline, .order = {.phase = Phase::kLate}});
  std::thread publisher([&] { EXPECT_TRUE(dispatcher.Publish(Value{1})); });
  inside.Wait();
  for (int i = 0; i < 200; ++i) {
    bag += dispatcher.Subscribe([](const Value&) {}, {.run = Run::kInline});
  }
  const auto churn = [&](int times) {
    for (int i = 0; i < times; ++i) {
      Subscription one = dispatcher.Subscribe(
          [](const Value&) {}, {.name = "one", .run = Run::kInline, .order = {.priority = i % 3}});
      one.Detach();
    }
  };
  churn(10);
  const std::int64_t bytes = LiveBytes();
  churn(100);
  constexpr std::int64_t kListener = 1024;  // each that was detached waits for the pass
  EXPECT_LE(LiveBytes() - bytes, 100 * kListener)
      << "with 200 listeners an order takes 3,000 bytes";
  go_on.Open();
  publisher.join();
  EXPECT_EQ(behind, 1);
  EXPECT_TRUE(dispatcher.Publish(Value{}));
}

// A crowd needs groups, which go with it while passes are on their way.
TEST_F(OrderMemoryTest, M1_GroupsThatGoAreNotComeToByAnOrder) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  SubscriptionBag bag;
  bag += dispatcher.Subscribe([](const Value&) {}, {.run = Run::kInline, .order = {.priority = 1}});
  std::atomic<bool> over{false};
  std::thread publisher([&] {
    while (!over) EXPECT_TRUE(dispatcher.Publish(Value{}));
  });
  for (int round = 0; round < 20; ++round) {
    SubscriptionBag crowd;
    for (int i = 0; i < 400; ++i) {
      crowd += dispatcher.Subscribe([](const Value&) {}, {.run = Run::kInline});
    }
  }
  over = true;
  publisher.join();
}

}  // namespace
}  // namespace belfry
