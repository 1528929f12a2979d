// A sign-up of which something is late, by both flows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "signup/sign_up_fixture.h"

namespace signup {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::chrono::seconds kDisk{1};            // for one operation
constexpr char kMail[] = "mail/new/welcome.user1";  // the first user's

class LateSignUpTest : public SignUpTest {
 protected:
  static constexpr std::chrono::seconds kTooLong{5};

  LateSignUpTest() : SignUpTest({.time_max = std::chrono::seconds(4)}) {}

  // Sends a request and waits for as long as a sign-up may take.
  std::uint64_t AskAndWait() {
    const auto request = AskForSignUp();
    world.RunFor(std::chrono::seconds(4));
    return request;
  }
};

TEST_P(LateSignUpTest, ALateTemplateIsA503InTimeAndTheRowIsTakenBack) {
  files.SetLatency("welcome.txt", kTooLong);
  const auto request = AskForSignUp();
  world.RunFor(std::chrono::seconds(4) - belfry::Nanoseconds(1));
  EXPECT_FALSE(Answered(request));
  EXPECT_THAT(users.rows, SizeIs(1));
  world.RunFor(belfry::Nanoseconds(1));
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_THAT(Said(request, "error"), HasSubstr("too long"));
  EXPECT_THAT(users.rows, SizeIs(0));
  world.RunFor(kTooLong);  // the template, too late
  EXPECT_THAT(files.writes(), SizeIs(0));
}

TEST_P(LateSignUpTest, ALateStoreIsA503AndTheRowIsTakenBack) {
  users.takes = kTooLong;
  files.SetLatency("welcome.txt", kTooLong + kDisk);
  const auto request = AskAndWait();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_THAT(users.rows, SizeIs(0));
  world.RunFor(kTooLong);
  EXPECT_THAT(files.writes(), SizeIs(0));
  EXPECT_THAT(users.rows, SizeIs(0));
}

TEST_P(LateSignUpTest, ALateMailIsA503AndAskingAgainGoesOnWithIt) {
  files.SetLatency(kMail, kTooLong);
  const auto request = AskAndWait();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_THAT(users.Pending().value(), SizeIs(1)) << "its mail is on its way";
  world.RunFor(kTooLong);
  EXPECT_THAT(Mails(), SizeIs(1));
  EXPECT_THAT(users.Pending().value(), SizeIs(1));

  const auto again = AskForSignUp();
  EXPECT_EQ(StatusOf(again), 201);
  EXPECT_EQ(Said(again, "id"), "user1");
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_P(LateSignUpTest, AMailThatFailsTooLateTakesItsRowBack) {
  files.SetLatency(kMail, kTooLong);
  files.Fail(kMail, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(StatusOf(AskAndWait()), 503);
  world.RunFor(kTooLong);
  EXPECT_THAT(users.rows, SizeIs(0));
}

TEST_P(LateSignUpTest, WhoAsksWhileAMailIsLateWaitsForIt) {
  files.SetLatency(kMail, std::chrono::seconds(6));
  const auto late = AskAndWait();
  EXPECT_EQ(StatusOf(late), 503);
  const auto again = AskForSignUp();
  EXPECT_FALSE(Answered(again));
  world.RunFor(std::chrono::seconds(2));
  EXPECT_EQ(StatusOf(again), 201);
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_P(LateSignUpTest, ARowThatCannotBeTakenBackStaysPendingAndIsResumed) {
  world.Tolerate({.failures = true, .dead_letters = true});
  users.remove_fails = absl::UnavailableError("busy");
  files.SetLatency("welcome.txt", kTooLong);
  EXPECT_EQ(StatusOf(AskAndWait()), 503);
  EXPECT_THAT(users.Pending().value(), SizeIs(1));

  users.remove_fails = absl::OkStatus();
  files.SetLatency("welcome.txt", kDisk);
  const auto again = AskAndWait();
  EXPECT_EQ(StatusOf(again), 201);
  EXPECT_EQ(Said(again, "id"), "user1");
}

INSTANTIATE_TEST_SUITE_P(Flows, LateSignUpTest, ::testing::ValuesIn(kBothFlows), NameOfParam);

}  // namespace
}  // namespace signup
