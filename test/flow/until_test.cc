// Publishing until certain listeners have handled it.

#include "belfry/flow/until.h"

#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"

#include "belfry/event_selection.h"
#include "dispatch/timed_test.h"

namespace belfry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct UserRenamed {
  int user = 0;
};

class UntilTest : public TimedTest {
 protected:
  Subscription Listen(
      const std::string& name, void (*call)(const UserRenamed&) = [](auto&) {}) {
    return dispatcher->Subscribe(call, Options(name));
  }
  Completion<UntilOutcome> Rename(std::vector<std::string> until, UntilOptions options = {}) {
    return PublishUntil(*dispatcher, UserRenamed{7}, std::move(until), std::move(options));
  }
  const UntilOutcome& Settled(const Completion<UntilOutcome>& told) {
    if (threaded()) {
      EXPECT_TRUE(told.WaitFor(kPatience));
    } else {
      Settle();
    }
    return told.value();
  }
  static std::vector<std::string> Names(const UntilOutcome& outcome) {
    std::vector<std::string> names;
    for (const DeliveryOutcome& delivery : outcome.deliveries) names.push_back(delivery.name);
    return names;
  }
};

TEST_P(UntilTest, ThoseThatAreNamedHaveHandledIt) {
  const Subscription users = Listen("read_model.users");
  const Subscription mail = Listen("mail");
  const auto renamed = Rename({"read_model.users"});
  const UntilOutcome& outcome = Settled(renamed);
  EXPECT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome.status().ok());
  EXPECT_THAT(Names(outcome), ElementsAre("read_model.users"));
  EXPECT_EQ(outcome.deliveries[0].listener, users.id());
}

TEST_P(UntilTest, OthersAreNotWaitedFor) {
  if (mode() != Mode::kPool4) GTEST_SKIP() << "needs a thread for each";
  Gate gate;
  const Subscription slow =
      dispatcher->Subscribe([&](const UserRenamed&) { gate.Wait(); }, Options("slow"));
  const Subscription users = Listen("read_model.users");
  const auto renamed = Rename({"read_model.users"});
  EXPECT_TRUE(renamed.WaitFor(kPatience));
  EXPECT_TRUE(renamed.value().ok());
  gate.Open();
}

TEST_P(UntilTest, AllOfOneNameAreWaitedFor) {
  const Subscription first = Listen("read_model");
  const Subscription second = Listen("read_model");
  const auto renamed = Rename({"read_model"});
  EXPECT_THAT(Names(Settled(renamed)), ElementsAre("read_model", "read_model"));
}

TEST_P(UntilTest, AnUnknownNameIsTold) {
  const Subscription users = Listen("read_model.users");
  const auto renamed = Rename({"read_model.user", "read_model.users"});
  const UntilOutcome& outcome = Settled(renamed);
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.unknown, ElementsAre("read_model.user"));
  EXPECT_THAT(Names(outcome), ElementsAre("read_model.users"));
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("\"read_model.user\""));
}

TEST_P(UntilTest, OneThatListensToSeveralTypesIsKnown) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "an inline listener listens to one type";
  const Subscription all = dispatcher->Subscribe(
      AllEvents(), [](const AnyEvent&) {}, Options("all"));
  const auto renamed = Rename({"all"});
  EXPECT_TRUE(Settled(renamed).ok());
  EXPECT_THAT(Names(renamed.value()), ElementsAre("all"));
}

TEST_P(UntilTest, OneThatFailsIsTold) {
  const Subscription users =
      Listen("read_model.users", [](const UserRenamed&) { throw std::runtime_error("locked"); });
  const auto renamed = Rename({"read_model.users"});
  const UntilOutcome& outcome = Settled(renamed);
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.deliveries[0].kind, DeliveryOutcome::Kind::kFailed);
  EXPECT_EQ(outcome.status(), absl::AbortedError("not handled by \"read_model.users\": locked"));
}

TEST_P(UntilTest, WhatIsNotHandledInTimeIsTold) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it has run";
  const Subscription users = Listen("read_model.users");
  const auto renamed = Rename({"read_model.users"}, {.within = std::chrono::seconds(1)});
  timers.Advance(std::chrono::seconds(1));
  ASSERT_TRUE(renamed.finished());
  EXPECT_THAT(renamed.value().missing, ElementsAre("read_model.users"));
  EXPECT_EQ(renamed.value().status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(UntilTest, TheWaitingMayBeEnded) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it has run";
  const Subscription users = Listen("read_model.users");
  std::stop_source waiter;
  const auto renamed = Rename({"read_model.users"}, {.stop = waiter.get_token()});
  waiter.request_stop();
  ASSERT_TRUE(renamed.finished());
  EXPECT_EQ(renamed.value().status().code(), absl::StatusCode::kCancelled);
}

TEST_P(UntilTest, AResetIsTold) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it has run";
  Subscription users = Listen("read_model.users");
  const auto renamed = Rename({"read_model.users"});
  ASSERT_EQ(users.Reset(), ResetResult::kDone);
  ASSERT_TRUE(renamed.finished());
  EXPECT_EQ(renamed.value().deliveries[0].kind, DeliveryOutcome::Kind::kCancelled);
}

TEST_P(UntilTest, ARefusedPublishIsTold) {
  const Subscription users = Listen("read_model.users");
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  const auto renamed = Rename({"read_model.users"});
  ASSERT_TRUE(renamed.finished());
  EXPECT_EQ(renamed.value().result.code(), PublishResult::Code::kClosed);
  EXPECT_FALSE(renamed.value().ok());
}

TEST_P(UntilTest, WhatIsToldIsCausedByTheEvent) {
  struct Shown {};
  EventId renamed_id;
  EventId cause;
  const Subscription users = dispatcher->Subscribe(
      [&](const UserRenamed&, Context& context) { renamed_id = context.envelope().id(); },
      Options("read_model.users"));
  const Subscription shown = dispatcher->Subscribe(
      [&](const Shown&, Context& context) { cause = context.envelope().causation_id(); },
      Options("shown"));
  const auto renamed = Rename({"read_model.users"});
  renamed.Then([&](const UntilOutcome&) { dispatcher->Publish(Shown{}); });
  Settle();
  EXPECT_TRUE(renamed_id);
  EXPECT_EQ(cause, renamed_id);
}

BELFRY_IN_EVERY_MODE(UntilTest);

}  // namespace
}  // namespace belfry
