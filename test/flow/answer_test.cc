// Who answers, with what, and for how long.

#include "belfry/flow/answer.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "gmock/gmock.h"

#include "flow/ask_fixture.h"

namespace belfry {
namespace {

using testing::HasSubstr;

class AnswerTest : public AskTest {
 protected:
  // The reply to a question that is answered by `answerer`.
  template <class Q, class F>
  Reply<AnswerOf<Q>> Answered(F answerer) {
    const Subscription subscription = Answer<Q>(*dispatcher, std::move(answerer), Options());
    EXPECT_TRUE(subscription.status().ok());
    const auto told = Ask(*dispatcher, Q{});
    return Settled(told);
  }
};

TEST_P(AnswerTest, WithAValueOfWhateverKind) {
  EXPECT_EQ(Answered<FindUser>([](const FindUser&) { return User{"1"}; })->name, "1");
  EXPECT_EQ(Answered<FindUser>([](const FindUser&, Context& context) {
              return User{std::string(context.envelope().type().name())};
            })->name,
            EventTypeOf<FindUser>().name());
  EXPECT_EQ(
      Answered<FindUser>([](const FindUser&) -> absl::StatusOr<User> { return User{"2"}; })->name,
      "2");
  EXPECT_EQ(Answered<FindUser>([](const auto&) { return User{"3"}; })->name, "3");
}

TEST_P(AnswerTest, WithAValueThatCannotBeCopied) {
  struct Dig {
    using Answer = std::unique_ptr<int>;
  };
  const auto dug = Answered<Dig>([](const Dig&) { return std::make_unique<int>(7); });
  EXPECT_EQ(**dug, 7);
}

TEST_P(AnswerTest, WithAValueThatComesLater) {
  const auto answered = [](auto value) {
    const Completion<decltype(value)> later;
    later.Finish(std::move(value));
    return later;
  };
  EXPECT_EQ(Answered<FindUser>([&](const FindUser&) { return answered(User{"1"}); })->name, "1");
  EXPECT_EQ(Answered<FindUser>([&](const FindUser&) {
              return answered(absl::StatusOr<User>(User{"2"}));
            })->name,
            "2");
  const auto failed = Answered<FindUser>(
      [&](const FindUser&) { return answered(absl::StatusOr<User>(absl::NotFoundError("no"))); });
  EXPECT_EQ(failed.code(), ReplyCode::kFailed);
  EXPECT_EQ(failed.status(), absl::NotFoundError("no"));
}

TEST_P(AnswerTest, WithTheReplyToAnotherQuestion) {
  struct FindAdmin {
    using Answer = User;
  };
  const Subscription finder = AnswerAda(Options("finder"));
  EXPECT_EQ(Answered<FindAdmin>([&](const FindAdmin&) { return AskForAda(); })->name, "Ada");
}

TEST_P(AnswerTest, OfACommandWithAStatusOrNothing) {
  EXPECT_TRUE(Answered<RemoveUser>([](const RemoveUser&) {}).ok());
  EXPECT_TRUE(Answered<RemoveUser>([](const RemoveUser&) { return absl::OkStatus(); }).ok());
  const auto no =
      Answered<RemoveUser>([](const RemoveUser&) { return absl::PermissionDeniedError("no"); });
  EXPECT_EQ(no.status(), absl::PermissionDeniedError("no"));
  EXPECT_TRUE(Answered<RemoveUser>([](const RemoveUser&) {
                const Completion<absl::Status> done;
                done.Finish(absl::OkStatus());
                return done;
              }).ok());
  const auto threw =
      Answered<RemoveUser>([](const RemoveUser&) { throw std::runtime_error("no"); });
  EXPECT_EQ(threw.code(), ReplyCode::kFailed);
}

TEST_P(AnswerTest, ASecondAnswererIsRefusedAndNamesTheFirst) {
  Subscription first = AnswerAda(Options("users.find"));
  const Subscription second = AnswerAda(Options("users.search"));
  EXPECT_FALSE(second);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("\"users.find\""));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("\"users.search\""));
  EXPECT_THAT(log(), HasSubstr("a subscription was refused"));

  ASSERT_EQ(first.Reset(), ResetResult::kDone);
  const Subscription third = AnswerAda(Options("users.search"));
  EXPECT_TRUE(third.status().ok());
  const auto found = AskForAda();
  EXPECT_TRUE(Settled(found).ok());
}

TEST_P(AnswerTest, WhatCouldNotSubscribeTakesNobodysPlace) {
  ListenerOptions wrong = Options();
  wrong.concurrency = 0;
  const Subscription refused = AnswerAda(std::move(wrong));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  const Subscription finder = AnswerAda(Options());
  EXPECT_TRUE(finder.status().ok());
}

TEST_P(AnswerTest, DispatchersHaveAnswerersOfTheirOwn) {
  Dispatcher other({.synchronous = true});
  const Subscription here = AnswerAda(Options());
  const Subscription there =
      Answer(other, [](const FindUser&) { return User{"Bob"}; }, {.name = "there"});
  EXPECT_TRUE(there.status().ok());
  EXPECT_EQ(Ask(other, FindUser{}).value()->name, "Bob");
}

TEST_P(AnswerTest, AQueryThatIsPublishedIsAnsweredToNobody) {
  std::atomic<int> answered{0};
  const Subscription finder = Answer(
      *dispatcher,
      [&](const FindUser&) {
        ++answered;
        return User{};
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(FindUser{}));
  const auto tracked = dispatcher->PublishTracked(FindUser{});
  EXPECT_TRUE(Settled(tracked).ok());
  Settle();
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(log(), "");
}

TEST_P(AnswerTest, AListenerThatIsPutIntoItsPlaceAnswersNothing) {
  Subscription finder = AnswerAda(Options("finder"));
  ASSERT_EQ(finder.Replace([](const FindUser&) {}), ReplaceResult::kDone);
  const auto found = AskForAda();
  EXPECT_EQ(Settled(found).code(), ReplyCode::kNoListener);
  const Subscription other = AnswerAda(Options("other"));
  EXPECT_TRUE(other.status().ok());
}

TEST_P(AnswerTest, AResetCancelsWhatIsQueued) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it may have run";
  Subscription finder = AnswerAda(Options("finder"));
  const auto found = AskForAda();
  ASSERT_EQ(finder.Reset(), ResetResult::kDone);
  ASSERT_TRUE(found.finished());
  EXPECT_EQ(found.value().code(), ReplyCode::kCancelled);
  EXPECT_THAT(std::string(found.value().status().message()), HasSubstr("\"finder\" was reset"));
}

TEST_P(AnswerTest, AResetCancelsWhatIsPromised) {
  const Completion<User> later;
  Subscription finder = Answer(
      *dispatcher, [later](const FindUser&) { return later; }, Options("finder"));
  const auto found = AskForAda();
  Settle();
  EXPECT_FALSE(found.finished());
  ASSERT_EQ(finder.Reset(), ResetResult::kDone);
  ASSERT_TRUE(found.finished());
  EXPECT_EQ(found.value().code(), ReplyCode::kCancelled);
}

TEST_P(AnswerTest, AnInterceptorThatKeepsTheQueryDoesNotAnswerIt) {
  Make([this](DispatcherOptions& options) {
    options.timers = &timers;
    options.clock = &timers.clock();
    options.interceptors = {
        {.around_delivery = [](const AnyEvent&, Context&, DeliveryNext&) { return Failure(); }}};
  });
  const Subscription finder = AnswerAda(Options("finder"));
  const auto found = AskForAda();
  EXPECT_EQ(Settled(found).code(), ReplyCode::kNoListener);
  EXPECT_THAT(std::string(found.value().status().message()), HasSubstr("an interceptor"));
}

TEST_P(AnswerTest, AnInterceptorThatFailsTheDeliveryIsTheFailure) {
  Make([this](DispatcherOptions& options) {
    options.timers = &timers;
    options.clock = &timers.clock();
    options.interceptors = {{.around_delivery = [](const AnyEvent&, Context&, DeliveryNext&) {
      return Failure::Because("not today", true);
    }}};
  });
  const Subscription finder = AnswerAda(Options("finder"));
  const auto found = AskForAda();
  EXPECT_EQ(Settled(found).code(), ReplyCode::kFailed);
  EXPECT_EQ(found.value().status(), absl::UnknownError("not today"));
}

BELFRY_IN_EVERY_MODE(AnswerTest);

}  // namespace
}  // namespace belfry
