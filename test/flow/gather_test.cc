// All answers of all who have one.

#include "belfry/flow/gather.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "flow/ask_fixture.h"

namespace belfry {
namespace {

using testing::ElementsAre;

struct PriceOf {
  using Answer = int;
  std::string pizza{};
};

class GatherTest : public AskTest {
 protected:
  Subscription Offer(const std::string& name, int price) {
    return AnswerAmongOthers(
        *dispatcher, [price](const PriceOf&) { return price; }, Options(name));
  }
  Completion<Gathered<int>> GatherPrices(AskOptions options = {}) {
    return Gather(*dispatcher, PriceOf{"margherita"}, std::move(options));
  }
  // "name: price", or its code.
  static std::vector<std::string> Lines(const Gathered<int>& gathered) {
    std::vector<std::string> lines;
    for (const auto& by : gathered.replies) {
      lines.push_back(
          by.name + ": " +
          (by.reply.ok() ? std::to_string(*by.reply) : std::string(by.reply.status().ToString())));
    }
    return lines;
  }
};

TEST_P(GatherTest, EverybodyAnswers) {
  const Subscription mario = Offer("mario", 9);
  const Subscription luigi = Offer("luigi", 8);
  const auto prices = GatherPrices();
  const Gathered<int>& gathered = Settled(prices);
  EXPECT_TRUE(gathered.ok());
  EXPECT_THAT(Lines(gathered), ElementsAre("mario: 9", "luigi: 8"));
}

TEST_P(GatherTest, NobodyAnswers) {
  const auto prices = GatherPrices();
  EXPECT_TRUE(Settled(prices).ok());
  EXPECT_TRUE(prices.value().replies.empty());
}

TEST_P(GatherTest, WhoFailsIsToldApart) {
  const Subscription mario = AnswerAmongOthers(
      *dispatcher, [](const PriceOf&) -> int { throw std::runtime_error("closed"); },
      Options("mario"));
  const Subscription luigi = Offer("luigi", 8);
  Subscription peach = Offer("peach", 7);
  peach.Mute();
  const auto prices = GatherPrices();
  const Gathered<int>& gathered = Settled(prices);
  EXPECT_FALSE(gathered.ok());
  EXPECT_THAT(Lines(gathered),
              ElementsAre("mario: UNKNOWN: closed", "luigi: 8",
                          "peach: UNIMPLEMENTED: \"peach\" did not take the query: the listener "
                          "is muted"));
  EXPECT_EQ(gathered.replies[2].reply.code(), ReplyCode::kNoListener);
}

TEST_P(GatherTest, WhoIsNotReadyInTimeIsToldApart) {
  const Completion<int> later;
  const Subscription mario = AnswerAmongOthers(
      *dispatcher, [later](const PriceOf&) { return later; }, Options("mario"));
  const Subscription luigi = Offer("luigi", 8);
  const auto prices = GatherPrices({.within = std::chrono::seconds(1)});
  Settle();
  EXPECT_FALSE(prices.finished());
  timers.Advance(std::chrono::seconds(1));
  ASSERT_TRUE(prices.finished());
  const auto& replies = prices.value().replies;
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].reply.code(), ReplyCode::kTimedOut);
  EXPECT_EQ(*replies[1].reply, 8);
}

TEST_P(GatherTest, ItDoesNotWaitForThoseWhoOnlyListen) {
  if (mode() != Mode::kPool4) GTEST_SKIP() << "needs a thread for each";
  Gate gate;
  const Subscription slow =
      dispatcher->Subscribe([&](const PriceOf&) { gate.Wait(); }, Options("slow"));
  const Subscription mario = Offer("mario", 9);
  const auto prices = GatherPrices();
  EXPECT_TRUE(prices.WaitFor(kPatience));
  gate.Open();
}

TEST_P(GatherTest, AResetCancels) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it may have run";
  Subscription mario = Offer("mario", 9);
  const Subscription luigi = Offer("luigi", 8);
  const auto prices = GatherPrices();
  ASSERT_EQ(mario.Reset(), ResetResult::kDone);
  const auto& replies = Settled(prices).replies;
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].reply.code(), ReplyCode::kCancelled);
  EXPECT_EQ(*replies[1].reply, 8);
}

TEST_P(GatherTest, ARefusedQueryAsksNobody) {
  const Subscription mario = Offer("mario", 9);
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  const auto prices = GatherPrices();
  ASSERT_TRUE(prices.finished());
  EXPECT_EQ(prices.value().result.code(), PublishResult::Code::kClosed);
  EXPECT_FALSE(prices.value().ok());
}

TEST_P(GatherTest, AQueryHasOneAnswererOrSeveral) {
  Subscription mario = Offer("mario", 9);
  const Subscription only = Answer(
      *dispatcher, [](const PriceOf&) { return 1; }, Options("only"));
  EXPECT_EQ(only.status().code(), absl::StatusCode::kAlreadyExists);
  const auto asked = Ask(*dispatcher, PriceOf{});
  ASSERT_TRUE(asked.finished());
  EXPECT_EQ(asked.value().code(), ReplyCode::kFailed);
  EXPECT_EQ(asked.value().status().code(), absl::StatusCode::kFailedPrecondition);

  ASSERT_EQ(mario.Reset(), ResetResult::kDone);
  const Subscription again = Answer(
      *dispatcher, [](const PriceOf&) { return 1; }, Options("only"));
  EXPECT_TRUE(again.status().ok());
  EXPECT_EQ(Offer("mario", 9).status().code(), absl::StatusCode::kAlreadyExists);
  const auto prices = GatherPrices();
  EXPECT_THAT(Lines(Settled(prices)), ElementsAre("only: 1"));
}

BELFRY_IN_EVERY_MODE(GatherTest);

}  // namespace
}  // namespace belfry
