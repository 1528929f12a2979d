// What becomes of a query: answered, or why not.

#include "belfry/flow/ask.h"

#include <stdexcept>
#include <stop_token>
#include <utility>

#include "gmock/gmock.h"

#include "belfry/library_events.h"
#include "flow/ask_fixture.h"

namespace belfry {
namespace {

using testing::HasSubstr;

TEST_P(AskTest, F2_TheAnswerIsTheReply) {
  const Subscription finder = Answer(
      *dispatcher, [](const FindUser& query) { return User{query.email + "!"}; }, Options());
  const auto found = AskForAda();
  const Reply<User>& reply = Settled(found);
  EXPECT_EQ(reply.code(), ReplyCode::kAnswered);
  EXPECT_TRUE(reply.ok());
  EXPECT_TRUE(reply.status().ok());
  EXPECT_EQ(reply->name, "ada@example.org!");
}

TEST_P(AskTest, EachAskGetsItsOwnAnswer) {
  const Subscription finder = Answer(
      *dispatcher, [](const FindUser& query) { return User{query.email}; }, Options());
  std::vector<Completion<Reply<User>>> found;
  for (int i = 0; i < 100; ++i) {
    found.push_back(Ask(*dispatcher, FindUser{std::to_string(i)}));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Settled(found[static_cast<std::size_t>(i)])->name, std::to_string(i));
  }
}

TEST_P(AskTest, OthersMayListenToAQuery) {
  std::atomic<int> heard{0};
  const Subscription finder = AnswerAda(Options("finder"));
  const Subscription audit =
      dispatcher->Subscribe([&](const FindUser&) { ++heard; }, Options("audit"));
  const auto found = AskForAda();
  EXPECT_TRUE(Settled(found).ok());
  Settle();
  EXPECT_EQ(heard, 1);
}

TEST_P(AskTest, F2_WithoutAnAnswererThereIsNoListener) {
  const Subscription audit = dispatcher->Subscribe([](const FindUser&) {}, Options("audit"));
  const auto found = AskForAda();
  const Reply<User>& reply = Settled(found);
  EXPECT_EQ(reply.code(), ReplyCode::kNoListener);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("nobody answers"));
}

TEST_P(AskTest, AnAnswererThatDoesNotTakeItIsNoListener) {
  Subscription finder = AnswerAda(Options("finder"));
  finder.Mute();
  const auto found = AskForAda();
  EXPECT_EQ(Settled(found).code(), ReplyCode::kNoListener);
  EXPECT_THAT(std::string(found.value().status().message()), HasSubstr("the listener is muted"));
}

TEST_P(AskTest, WhatTheAnswererReturnsAsAStatusIsTheFailure) {
  const Subscription finder = Answer(
      *dispatcher,
      [](const FindUser&) -> absl::StatusOr<User> { return absl::NotFoundError("no Ada"); },
      Options());
  const auto found = AskForAda();
  const Reply<User>& reply = Settled(found);
  EXPECT_EQ(reply.code(), ReplyCode::kFailed);
  EXPECT_EQ(reply.status(), absl::NotFoundError("no Ada"));
}

TEST_P(AskTest, WhatTheAnswererThrowsIsTheFailure) {
  const Subscription finder = Answer(
      *dispatcher, [](const FindUser&) -> User { throw std::runtime_error("disk on fire"); },
      Options());
  const auto found = AskForAda();
  const Reply<User>& reply = Settled(found);
  EXPECT_EQ(reply.code(), ReplyCode::kFailed);
  EXPECT_EQ(reply.status(), absl::UnknownError("disk on fire"));
}

TEST_P(AskTest, AnAnswererThatFailsIsAListenerThatFails) {
  std::string told;
  const Subscription failures = dispatcher->Subscribe(
      [&](const ListenerFailed& failed) { told = failed.listener + ": " + failed.what; },
      Options("failures"));
  const Subscription finder = Answer(
      *dispatcher, [](const FindUser&) -> User { throw std::runtime_error("disk on fire"); },
      Options("finder"));
  const auto found = AskForAda();
  EXPECT_FALSE(Settled(found).ok());
  Settle();
  EXPECT_EQ(told, "finder: disk on fire");
}

TEST_P(AskTest, TheReplyIsThatOfTheLastAttempt) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "an inline listener is not asked again";
  int attempts = 0;
  ListenerOptions options = Options();
  options.retry = {.attempts_max = 3};
  const Subscription finder = Answer(
      *dispatcher,
      [&](const FindUser&) -> absl::StatusOr<User> {
        if (++attempts < 3) return absl::UnavailableError("busy");
        return User{"Ada"};
      },
      std::move(options));
  const auto found = AskForAda();
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    timers.Advance(std::chrono::minutes(1));
    return found.finished();
  }));
  EXPECT_EQ(found.value()->name, "Ada");
  EXPECT_EQ(attempts, 3);
}

TEST_P(AskTest, AQueryThatIsRefusedHasFailed) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere the queue may not be full";
  ListenerOptions options = Options();
  options.queue.events_max = 1;
  options.overflow = Overflow::Reject();
  const Subscription finder = AnswerAda(std::move(options));
  const auto first = AskForAda();
  const auto second = AskForAda();
  ASSERT_TRUE(second.finished());
  EXPECT_EQ(second.value().code(), ReplyCode::kFailed);
  EXPECT_EQ(second.value().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Settled(first).ok());
}

TEST_P(AskTest, WhatIsLostOrExpiresInTheQueueIsTold) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere the queue may not be full";
  ListenerOptions options = Options();
  options.queue.events_max = 1;
  options.overflow = Overflow::DropOldest();
  options.deadline = std::chrono::seconds(1);
  const Subscription finder = AnswerAda(std::move(options));
  const auto dropped = AskForAda();
  const auto expired = AskForAda();
  EXPECT_EQ(dropped.value().code(), ReplyCode::kFailed);
  timers.Advance(std::chrono::seconds(2));
  EXPECT_EQ(Settled(expired).code(), ReplyCode::kTimedOut);
}

TEST_P(AskTest, F2_TheTimeOutEndsTheWaiting) {
  const Completion<User> later;
  const Subscription finder = Answer(
      *dispatcher, [later](const FindUser&) { return later; }, Options());
  const auto found = AskForAda({.within = std::chrono::seconds(2)});
  Settle();
  timers.Advance(std::chrono::milliseconds(1999));
  EXPECT_FALSE(found.finished());
  timers.Advance(std::chrono::milliseconds(1));
  ASSERT_TRUE(found.finished());
  EXPECT_EQ(found.value().code(), ReplyCode::kTimedOut);
  EXPECT_EQ(found.value().status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(AskTest, AnAnswerInTimeDisarmsTheTimeOut) {
  const Subscription finder = AnswerAda(Options());
  const auto found = AskForAda({.within = std::chrono::seconds(2)});
  EXPECT_TRUE(Settled(found).ok());
  Settle();
  EXPECT_FALSE(timers.next().has_value());
}

TEST_P(AskTest, WhatNobodyWaitsForAnyMoreIsNotBegun) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it may have run";
  int begun = 0;
  const Subscription finder = Answer(
      *dispatcher,
      [&](const FindUser&) {
        ++begun;
        return User{};
      },
      Options());
  const auto found = AskForAda({.within = std::chrono::seconds(2)});
  timers.Advance(std::chrono::seconds(2));
  EXPECT_EQ(found.value().code(), ReplyCode::kTimedOut);
  Settle();
  EXPECT_EQ(begun, 0);
  EXPECT_EQ(OnlyListener().deliveries.filtered, 1U);
}

TEST_P(AskTest, ASynchronousDispatcherWithoutTimersSaysThatItCannotLimitTime) {
  if (mode() != Mode::kSynchronous) GTEST_SKIP() << "others have timers";
  Make();
  const Completion<User> later;
  Subscription finder = Answer(
      *dispatcher, [later](const FindUser&) { return later; }, Options());
  const auto found = AskForAda({.within = std::chrono::seconds(2)});
  ASSERT_TRUE(found.finished());
  EXPECT_EQ(found.value().code(), ReplyCode::kFailed);
  EXPECT_THAT(std::string(found.value().status().message()), HasSubstr("no timers"));
  finder.Reset();
  finder = AnswerAda(Options());
  EXPECT_TRUE(AskForAda({.within = std::chrono::seconds(2)}).value().ok());
}

TEST_P(AskTest, TheAskerMayLetGo) {
  const Completion<User> later;
  const Subscription finder = Answer(
      *dispatcher, [later](const FindUser&) { return later; }, Options());
  std::stop_source asker;
  const auto found = AskForAda({.stop = asker.get_token()});
  Settle();
  EXPECT_FALSE(found.finished());
  asker.request_stop();
  ASSERT_TRUE(found.finished());
  EXPECT_EQ(found.value().code(), ReplyCode::kCancelled);
  EXPECT_EQ(found.value().status().code(), absl::StatusCode::kCancelled);
}

TEST_P(AskTest, AnAskerThatHasLetGoBeforeAsksNothing) {
  const Subscription finder = AnswerAda(Options());
  std::stop_source asker;
  asker.request_stop();
  EXPECT_EQ(AskForAda({.stop = asker.get_token()}).value().code(), ReplyCode::kCancelled);
  EXPECT_EQ(StatsOf<FindUser>().published, 0U);
}

TEST_P(AskTest, AnAskerInsideOfADeliveryIsTold) {
  const Completion<std::string> name;
  const Subscription finder = AnswerAda(Options("finder"));
  const Subscription remover = dispatcher->Subscribe(
      [&](const RemoveUser&) {
        AskForAda().Then([name](const Reply<User>& user) { name.Finish(user->name); });
      },
      Options("remover"));
  ASSERT_TRUE(dispatcher->Publish(RemoveUser{}));
  EXPECT_EQ(Settled(name), "Ada");
}

// The only thread waits, so a spare one answers.
TEST_P(AskTest, AnAskerMayWaitOnAPoolsThread) {
  if (!threaded()) GTEST_SKIP() << "of threads";
  const Completion<std::string> name;
  const Subscription finder = AnswerAda(Options("finder"));
  const Subscription remover = dispatcher->Subscribe(
      [&](const RemoveUser&) { name.Finish(AskForAda().Wait()->name); }, Options("remover"));
  ASSERT_TRUE(dispatcher->Publish(RemoveUser{}));
  EXPECT_EQ(Settled(name), "Ada");
}

TEST_P(AskTest, AClosedOrBygoneDispatcherCancels) {
  const Subscription finder = AnswerAda(Options());
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(AskForAda().value().code(), ReplyCode::kCancelled);
  const Publisher publisher = dispatcher->publisher();
  dispatcher.reset();
  EXPECT_EQ(Ask(publisher, FindUser{}).value().code(), ReplyCode::kCancelled);
}

TEST_P(AskTest, AShutdownThatDrainsAnswersAndOneThatDiscardsCancels) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it may have run";
  const Subscription finder = AnswerAda(Options());
  const auto found = AskForAda();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience).complete);
  EXPECT_EQ(found.value().code(), ReplyCode::kCancelled);
}

TEST_P(AskTest, WhatIsPromisedIsCancelledWithTheDispatcher) {
  const Completion<User> later;
  const Subscription finder = Answer(
      *dispatcher, [later](const FindUser&) { return later; }, Options());
  const auto found = AskForAda({.within = std::chrono::seconds(2)});
  Settle();
  dispatcher.reset();
  ASSERT_TRUE(found.finished());
  EXPECT_EQ(found.value().code(), ReplyCode::kCancelled);
  later.Finish({});  // too late, and nobody is there to be told
}

BELFRY_IN_EVERY_MODE(AskTest);

}  // namespace
}  // namespace belfry
