// What listeners have failed on for good: kept, listed, tried again, discarded.

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Order {
  std::string pizza;
  std::shared_ptr<int> content{};
};
std::size_t BelfryEventBytes(const Order& order) { return order.pizza.size() + 1; }

class DeadLetterTest : public ModeTest {
 protected:
  Subscription Failing(const ListenerOptions& options = {.name = "bake", .dead_letters = true}) {
    return dispatcher->Subscribe(
        [this](const Order& order, Context& context) {
          last_id = context.envelope().id();
          last_header = std::string(context.envelope().header("table"));
          last_correlation = context.envelope().correlation_id();
          if (oven_is_cold) throw std::runtime_error("the oven is cold");
          baked.push_back(order.pizza);
        },
        options);
  }

  std::atomic<bool> oven_is_cold{true};
  std::vector<std::string> baked;
  EventId last_id{};
  EventId last_correlation{};
  std::string last_header;
};

TEST_P(DeadLetterTest, WhatFailsForGoodIsKeptWithItsReason) {
  const Subscription listener =
      Failing({.name = "bake", .retry = {.attempts_max = 2, .delay = {}}, .dead_letters = true});
  ASSERT_TRUE(dispatcher->Publish(Order{"margherita"}));
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    return dispatcher->dead_letters().size() == 1;
  }));
  Settle();
  const std::vector<DeadLetter> letters = dispatcher->dead_letters().List();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].listener, "bake");
  EXPECT_EQ(letters[0].listener_id, listener.id());
  EXPECT_EQ(letters[0].what, "the oven is cold");
  EXPECT_EQ(letters[0].attempts, 2U);
  EXPECT_EQ(letters[0].event_id, last_id);
  ASSERT_NE(letters[0].As<Order>(), nullptr);
  EXPECT_EQ(letters[0].As<Order>()->pizza, "margherita");
  EXPECT_EQ(letters[0].As<int>(), nullptr);
}

TEST_P(DeadLetterTest, OneThatIsTriedAgainIsTheSameEventForItsListenerAlone) {
  std::atomic<int> others{0};
  const Subscription other = dispatcher->Subscribe([&](const Order&) { ++others; });
  const Subscription listener = Failing();
  ASSERT_TRUE(dispatcher->Publish(Order{"funghi"}, {.headers = {{"table", "7"}}}));
  Settle();
  const EventId id = last_id;
  const DeadLetter letter = dispatcher->dead_letters().List().at(0);
  oven_is_cold = false;
  last_header.clear();
  EXPECT_TRUE(dispatcher->dead_letters().Retry(letter.number).ok());
  Settle();
  EXPECT_EQ(baked, std::vector<std::string>{"funghi"});
  EXPECT_EQ(last_id, id);
  EXPECT_EQ(last_correlation, id);
  EXPECT_EQ(last_header, "7");
  EXPECT_EQ(others, 1);
  EXPECT_EQ(dispatcher->dead_letters().size(), 0U);
  EXPECT_EQ(StatsOf<Order>().published, 1U);
  EXPECT_EQ(StatsOf<Order>().deliveries.dead, 1U) << "the first delivery stays what it was";
}

TEST_P(DeadLetterTest, OneThatFailsAgainIsANewLetter) {
  const Subscription listener = Failing();
  ASSERT_TRUE(dispatcher->Publish(Order{"funghi"}));
  Settle();
  const DeadLetter first = dispatcher->dead_letters().List().at(0);
  EXPECT_TRUE(dispatcher->dead_letters().Retry(first.number).ok());
  Settle();
  const std::vector<DeadLetter> letters = dispatcher->dead_letters().List();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_NE(letters[0].number, first.number);
  EXPECT_EQ(letters[0].event_id, first.event_id);
  EXPECT_EQ(dispatcher->dead_letters().Retry(first.number).code(), absl::StatusCode::kNotFound);
}

TEST_P(DeadLetterTest, TheLatestAreKeptAsManyAsThereIsRoomFor) {
  Make([](DispatcherOptions& options) {
    options.dead_letters = {.events_max = 3, .bytes_max = 10};
  });
  const Subscription listener = Failing();
  for (const char* pizza : {"a", "b", "c", "d"}) ASSERT_TRUE(dispatcher->Publish(Order{pizza}));
  Settle();
  std::vector<std::string> kept;
  for (const DeadLetter& letter : dispatcher->dead_letters().List()) {
    kept.push_back(letter.As<Order>()->pizza);
  }
  EXPECT_EQ(kept, (std::vector<std::string>{"b", "c", "d"}));
  ASSERT_TRUE(dispatcher->Publish(Order{"large"}));  // six bytes: of those of two there is room
  Settle();
  EXPECT_EQ(dispatcher->dead_letters().size(), 3U);
  ASSERT_TRUE(dispatcher->Publish(Order{"too large for it"}));
  Settle();
  EXPECT_EQ(dispatcher->dead_letters().size(), 3U) << "what never fits pushes nothing out";
  EXPECT_NE(log().find("there is no room for all dead letters"), std::string::npos);
}

TEST_P(DeadLetterTest, OneWhoseListenerIsGoneStaysButIsNotTriedAgain) {
  Subscription listener = Failing();
  ASSERT_TRUE(dispatcher->Publish(Order{"funghi"}));
  Settle();
  listener.Reset();
  const DeadLetter letter = dispatcher->dead_letters().List().at(0);
  const absl::Status status = dispatcher->dead_letters().Retry(letter.number);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("\"bake\" is gone"), std::string::npos) << status;
  EXPECT_TRUE(dispatcher->dead_letters().Discard(letter.number));
  EXPECT_FALSE(dispatcher->dead_letters().Discard(letter.number));
}

TEST_P(DeadLetterTest, OneThatFindsNoRoomStays) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "somebody must leave the queue full";
  const Subscription listener = Failing({.name = "bake",
                                         .queue = {.events_max = 1},
                                         .overflow = Overflow::DropNewest(),
                                         .dead_letters = true});
  ASSERT_TRUE(dispatcher->Publish(Order{"a"}));
  Settle();
  ASSERT_TRUE(dispatcher->Publish(Order{"b"}));
  const DeadLetter letter = dispatcher->dead_letters().List().at(0);
  EXPECT_EQ(dispatcher->dead_letters().Retry(letter.number).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(dispatcher->dead_letters().size(), 1U);
  EXPECT_EQ(OnlyListener().deliveries.dropped, 0U);
}

TEST_P(DeadLetterTest, AnOutcomeDoesNotWaitForTheLetter) {
  const Subscription listener = Failing();
  const auto outcome = dispatcher->PublishTracked(Order{"funghi"});
  Settle();
  EXPECT_TRUE(outcome.finished());
  EXPECT_EQ(dispatcher->dead_letters().size(), 1U);
}

TEST_P(DeadLetterTest, OneIsDeliveredOnceHoweverManyWantItTriedAgain) {
  std::atomic<int> calls{0};
  std::atomic<bool> fails{true};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) {
        ++calls;
        if (fails) throw std::runtime_error("the oven is cold");
      },
      {.dead_letters = true});
  for (int round = 1; round <= 50; ++round) {
    fails = true;
    ASSERT_TRUE(dispatcher->Publish(Order{}));
    Settle();
    fails = false;
    const std::uint64_t number = dispatcher->dead_letters().List().at(0).number;
    std::atomic<int> retried{0};
    const auto retry = [&] { retried += dispatcher->dead_letters().Retry(number).ok() ? 1 : 0; };
    std::thread other(retry);
    retry();
    other.join();
    Settle();
    ASSERT_EQ(retried, 1);
    ASSERT_EQ(calls, 2 * round);
  }
}

TEST_P(DeadLetterTest, M1_LettersThatFailAgainAndAgainMakeNoChain) {
  const auto content = std::make_shared<int>(7);
  const Subscription listener = Failing();
  ASSERT_TRUE(dispatcher->Publish(Order{"funghi", content}));
  Settle();
  const std::weak_ptr<const void> first = dispatcher->dead_letters().List().at(0).event;
  const long before = first.use_count();
  for (int i = 0; i < 100; ++i) {
    const DeadLetter letter = dispatcher->dead_letters().List().at(0);
    ASSERT_TRUE(dispatcher->dead_letters().Retry(letter.number).ok());
    Settle();
  }
  EXPECT_EQ(first.use_count(), before);
  EXPECT_EQ(dispatcher->dead_letters().DiscardAll(), 1U);
  EXPECT_EQ(content.use_count(), 1);
}

TEST_P(DeadLetterTest, AFailedKeyIsADeadLetterToo) {
  const Subscription listener =
      dispatcher->Subscribe([](const Order&) {}, {.name = "bake",
                                                  .key = [](const Order& order) -> int {
                                                    if (order.pizza.empty())
                                                      throw std::runtime_error("no pizza");
                                                    return 1;
                                                  },
                                                  .dead_letters = true});
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  ASSERT_EQ(dispatcher->dead_letters().size(), 1U);
  EXPECT_EQ(dispatcher->dead_letters().List()[0].what, "no pizza");
}

TEST_P(DeadLetterTest, D3_AnEventMayBeKeptForLongerThanEverythingElse) {
  const auto content = std::make_shared<int>(7);
  DeadLetter letter{.event_type = EventTypeOf<Order>()};
  {
    const Subscription listener = Failing();
    ASSERT_TRUE(dispatcher->Publish(Order{"funghi", content}));
    Settle();
    letter = dispatcher->dead_letters().List().at(0);
  }
  dispatcher.reset();
  EXPECT_EQ(letter.As<Order>()->pizza, "funghi");
  EXPECT_EQ(content.use_count(), 2);
  letter.event.reset();
  EXPECT_EQ(content.use_count(), 1);
}

TEST_P(DeadLetterTest, M1_TheEndOfTheDispatcherLetsThemGo) {
  const auto content = std::make_shared<int>(7);
  const Subscription listener = Failing();
  ASSERT_TRUE(dispatcher->Publish(Order{"funghi", content}));
  Settle();
  const DeadLetters letters = dispatcher->dead_letters();
  EXPECT_EQ(letters.size(), 1U);
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(letters.size(), 0U);
  EXPECT_EQ(content.use_count(), 1);
}

INSTANTIATE_TEST_SUITE_P(Modes, DeadLetterTest,
                         testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

}  // namespace
}  // namespace belfry
