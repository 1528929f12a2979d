// Questions in a world: faults, time, and every order.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/flow/answer.h"
#include "belfry/flow/ask.h"
#include "belfry/flow_events.h"
#include "belfry/testing/explore.h"
#include "belfry/testing/world.h"

namespace belfry::asked {

using belfry::testing::ExploreReport;
using belfry::testing::World;
using std::chrono::seconds;

struct Balance {
  using Answer = int;
};
BELFRY_EVENT_NAME(Balance, "balance", 1);

Subscription AnswerBalance(World& world) {
  return Answer(world.dispatcher(), [](const Balance&) { return 7; }, {.name = "accounts"});
}

TEST(AskWorldTest, AFaultIsTheReply) {
  World world;
  world.Tolerate({.failures = true});
  world.faults().Fail("accounts", 1, absl::UnavailableError("no books"));
  const Subscription accounts = AnswerBalance(world);
  const auto failed = Ask(world.dispatcher(), Balance{});
  const auto answered = Ask(world.dispatcher(), Balance{});
  world.Run();
  EXPECT_EQ(failed.value().code(), ReplyCode::kFailed);
  EXPECT_THAT(std::string(failed.value().status().message()), ::testing::HasSubstr("no books"));
  EXPECT_EQ(*answered.value(), 7);
}

TEST(AskWorldTest, AMutedAnswererAndAFakedQueryAreNoListener) {
  World world;
  const Subscription accounts = AnswerBalance(world);
  world.Mute("accounts");
  const auto muted = Ask(world.dispatcher(), Balance{});
  world.Run();
  EXPECT_EQ(muted.value().code(), ReplyCode::kNoListener);
  World other;
  const Subscription others = AnswerBalance(other);
  other.Fake<Balance>();
  const auto faked = Ask(other.dispatcher(), Balance{});
  other.Run();
  EXPECT_EQ(faked.value().code(), ReplyCode::kNoListener);
}

TEST(AskWorldTest, AnAnswererThatIsCalledTwiceAnswersOnce) {
  World world;
  world.faults().Duplicate("accounts", 1);
  const Subscription accounts = AnswerBalance(world);
  std::vector<std::string> late;
  const Subscription told = world.dispatcher().Subscribe(
      [&](const AnswerLate& answer) { late.push_back(answer.listener); }, {.name = "told"});
  const auto balance = Ask(world.dispatcher(), Balance{});
  world.Run();
  EXPECT_EQ(*balance.value(), 7);
  EXPECT_THAT(late, ::testing::ElementsAre("accounts"));
}

TEST(AskWorldTest, TimeIsTheWorlds) {
  World world;
  world.Tolerate({.failures = true});
  const Completion<int> later;
  const Subscription accounts =
      Answer(world.dispatcher(), [later](const Balance&) { return later; }, {.name = "accounts"});
  const auto balance = Ask(world.dispatcher(), Balance{}, {.within = seconds(2)});
  world.RunFor(seconds(1));
  EXPECT_FALSE(balance.finished());
  world.RunFor(seconds(1));
  EXPECT_EQ(balance.value().code(), ReplyCode::kTimedOut);
}

// The answer, the time-out and the end of the answerer, in every order: one reply, and all three
// are possible.
TEST(AskWorldTest, InEveryOrderThereIsOneReply) {
  struct End {};
  std::vector<int> seen(5);
  belfry::testing::ExploreOptions options;
  options.world.late_by = seconds(5);
  const ExploreReport report = Explore(options, [&](World& world) {
    Subscription accounts = AnswerBalance(world);
    const Subscription end =
        world.dispatcher().Subscribe([&](const End&) { accounts.Reset(); }, {.name = "end"});
    std::vector<ReplyCode> replies;
    Ask(world.dispatcher(), Balance{}, {.within = seconds(2)}).Then([&](const Reply<int>& reply) {
      replies.push_back(reply.code());
    });
    ASSERT_TRUE(world.dispatcher().Publish(End{}));
    world.RunFor(seconds(10));
    ASSERT_EQ(replies.size(), 1U);
    ++seen[static_cast<std::size_t>(replies[0])];
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete);
  EXPECT_GT(seen[static_cast<std::size_t>(ReplyCode::kAnswered)], 0);
  EXPECT_GT(seen[static_cast<std::size_t>(ReplyCode::kTimedOut)], 0);
  EXPECT_GT(seen[static_cast<std::size_t>(ReplyCode::kCancelled)], 0);
}

}  // namespace belfry::asked
