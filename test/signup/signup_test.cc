// A sign-up from request to answer: the production wiring, everything else in memory.

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

#include "belfry/subscription_bag.h"
#include "signup/resumption.h"
#include "signup/sign_up.h"
#include "signup/sign_up_fixture.h"
#include "signup/welcome.h"

namespace signup {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::seconds kDisk{1};            // for one operation
constexpr char kMail[] = "mail/new/welcome.user1";  // the first user's

// --- when all goes well ---

TEST_F(SignUpTest, AGoodRequestMakesOneActiveUserWithOneMail) {
  const auto request = AskForSignUp("ada@example.org");
  EXPECT_EQ(StatusOf(request), 201);
  EXPECT_EQ(HeaderOf(AnswerOf(request), "Content-Type"), "application/json");
  EXPECT_EQ(Said(request, "id"), "user1");
  EXPECT_TRUE(users.rows.at("ada@example.org").active);
  EXPECT_THAT(Mails(), ElementsAre(AllOf(HasSubstr("\nTo: ada@example.org\n"),
                                         HasSubstr("\n\nHello Ada, you are user1 at ada@"))));
}

TEST_F(SignUpTest, TheMailIsWrittenAsideAndDurably) {
  AskForSignUp();
  ASSERT_THAT(files.writes(), SizeIs(1));
  EXPECT_EQ(files.writes()[0].path, "mail/new/welcome.user1");
  EXPECT_EQ(files.writes()[0].options.temporary, "mail/tmp/welcome.user1");
  EXPECT_TRUE(files.writes()[0].options.durable);
}

TEST_F(SignUpTest, NobodyIsToldBeforeAllThreePartsHaveHappened) {
  files.SetLatency(kDisk);
  const auto request = AskForSignUp();
  EXPECT_FALSE(Answered(request)) << "before the template was read";
  world.RunFor(kDisk);
  EXPECT_FALSE(Answered(request)) << "before the mail was written";
  EXPECT_FALSE(users.rows.at("ada@example.org").active);
  world.RunFor(kDisk);
  EXPECT_EQ(StatusOf(request), 201);
  EXPECT_TRUE(users.rows.at("ada@example.org").active);
}

TEST_F(SignUpTest, TheAuditLogTellsWhatCausedWhatFromTheRequestToTheAnswer) {
  AskForSignUp();
  std::map<std::string, boost::json::object> by_id;
  std::map<std::string, std::string> id_of;
  for (const boost::json::object& line : audit) {
    const std::string id(line.at("id").as_string());
    EXPECT_TRUE(by_id.try_emplace(id, line).second) << id << " has two lines";
    id_of[std::string(line.at("event").as_string())] = id;
  }
  std::vector<std::string> chain;
  for (std::string id = id_of.at("belfry.http.response"); !id.empty();) {
    chain.emplace_back(by_id.at(id).at("event").as_string());
    id = by_id.at(id).at("causation").as_string();
  }
  EXPECT_THAT(chain,
              ElementsAre("belfry.http.response", "signup.user_signed_up", "signup.mail_accepted",
                          "belfry.file_write_finished", "signup.welcome_rendered",
                          "belfry.file_read_finished", "signup.accepted", "signup.requested",
                          "belfry.http.request_received"));
  const std::string story = id_of.at("belfry.http.request_received");
  for (const auto& [id, line] : by_id) {
    EXPECT_EQ(std::string(line.at("correlation").as_string()), story);
  }
  // What a join waited for besides its cause is linked.
  std::set<std::string> links;
  for (const auto& link : by_id.at(id_of.at("signup.user_signed_up")).at("links").as_array()) {
    links.emplace(link.as_string());
  }
  EXPECT_EQ(links,
            (std::set{id_of.at("signup.user_stored"), id_of.at("belfry.file_read_finished")}));
  const auto& listeners = by_id.at(id_of.at("signup.user_signed_up")).at("listeners").as_array();
  EXPECT_EQ(listeners, (boost::json::array{"counters", "http.answer", "audit"}));
}

// --- the second time ---

TEST_F(SignUpTest, AnActiveAddressIsADuplicate) {
  AskForSignUp();
  const auto again = AskForSignUp();
  EXPECT_EQ(StatusOf(again), 409);
  EXPECT_THAT(Said(again, "error"), HasSubstr("signed up already"));
  EXPECT_THAT(users.rows, SizeIs(1));
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_F(SignUpTest, OfTwoRequestsAtOnceTheFirstSignsUpAndTheSecondIsADuplicate) {
  files.SetLatency(kDisk);
  const auto first = AskForSignUp();
  const auto second = AskForSignUp();
  world.RunFor(2 * kDisk);
  EXPECT_EQ(StatusOf(first), 201);
  EXPECT_EQ(StatusOf(second), 409);
  EXPECT_THAT(files.writes(), SizeIs(1)) << "the second waits for the first one's mail";
  EXPECT_THAT(users.rows, SizeIs(1));
}

TEST_F(SignUpTest, WhoWaitsForAnotherOnesMailFailsWithIt) {
  files.SetLatency(kDisk);
  const auto first = AskForSignUp();
  const auto second = AskForSignUp();
  files.Fail(kMail, absl::ResourceExhaustedError("disk full"));
  world.RunFor(2 * kDisk);
  EXPECT_EQ(StatusOf(first), 503);
  EXPECT_EQ(StatusOf(second), 503);
}

// --- when something fails, and after it ---

TEST_F(SignUpTest, AStoreThatFailsIsA503AndARetrySucceeds) {
  users.add_fails = absl::UnavailableError("/data/signup.db is locked");
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_EQ(HeaderOf(AnswerOf(request), "Retry-After"), "1");
  EXPECT_THAT(Said(request, "error"), AllOf(HasSubstr("store"), Not(HasSubstr("/data"))));
  EXPECT_THAT(Mails(), SizeIs(0));

  users.add_fails = absl::OkStatus();
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
}

TEST_F(SignUpTest, AMailThatFailsIsA503AndARetryResumesTheSameUser) {
  files.Fail(kMail, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  EXPECT_FALSE(users.rows.at("ada@example.org").active);

  files.Fail(kMail, absl::OkStatus());
  const auto retry = AskForSignUp();
  EXPECT_EQ(StatusOf(retry), 201);
  EXPECT_EQ(Said(retry, "id"), users.rows.at("ada@example.org").id);
  EXPECT_THAT(users.rows, SizeIs(1));
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_F(SignUpTest, ARetryAfterTheMailWasDeliveredSendsNoSecondOne) {
  users.activate_fails = absl::UnavailableError("busy");
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  ASSERT_THAT(Mails(), SizeIs(1));

  users.activate_fails = absl::OkStatus();
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_F(SignUpTest, AMailThatWasReadMeanwhileIsNotSentAgain) {
  users.activate_fails = absl::UnavailableError("busy");
  AskForSignUp();
  files.Put("mail/cur/welcome.user1:2,S", files.content().at(kMail));
  files.Remove(kMail);

  users.activate_fails = absl::OkStatus();
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_F(SignUpTest, AMailThatAnOvertakingRequestSentIsNotSentAgain) {
  files.SetLatency("welcome.txt", 9 * kDisk);
  const auto slow = AskForSignUp();
  files.SetLatency("welcome.txt", kDisk);
  const auto overtaking = AskForSignUp();
  world.RunFor(2 * kDisk);
  EXPECT_EQ(StatusOf(overtaking), 201);
  files.Put("mail/cur/welcome.user1:2,S", files.content().at(kMail));
  files.Remove(kMail);
  world.RunFor(9 * kDisk);
  EXPECT_EQ(StatusOf(slow), 409);
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_F(SignUpTest, AMailboxThatCannotBeSearchedIsA503) {
  users.activate_fails = absl::UnavailableError("busy");
  AskForSignUp();
  mailbox.fails = absl::PermissionDeniedError("mail/cur");
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_F(SignUpTest, AMissingTemplateIsA503AndTheRowStaysPending) {
  files.Remove("welcome.txt");
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_THAT(Said(request, "error"), HasSubstr("mail"));
  EXPECT_FALSE(users.rows.at("ada@example.org").active);
}

TEST_F(SignUpTest, TwoPartsThatFailAreOneFailure) {
  users.add_fails = absl::UnavailableError("busy");
  files.Fail("welcome.txt", absl::UnavailableError("busy"));
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_EQ(Stats().at("failed").at("unavailable").to_number<int>(), 1);
}

TEST_F(SignUpTest, FilesThatAcceptNoMoreAreA503) {
  files.Refuse();
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
}

TEST_F(SignUpTest, AListenerThatThrowsIsA503) {
  world.Tolerate({.failures = true});
  users.throws = true;
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_THAT(Said(request, "error"), Not(HasSubstr("broke"))) << "that is for the operator";
}

TEST_F(SignUpTest, APublishThatIsRefusedIsA503) {
  world.Tolerate({.losses = true});
  auto nothing_fits = world.dispatcher().Subscribe(
      [](const UserStored&) { FAIL(); },
      {.queue = {.events_max = 1, .bytes_max = 1}, .overflow = belfry::Overflow::Reject()});
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  nothing_fits.Reset();
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
}

TEST_F(SignUpTest, AnAuditLogThatFailsStopsNobody) {
  world.Tolerate({.failures = true});
  auto failing = world.dispatcher().Subscribe(
      [](const UserStored&) { return absl::ResourceExhaustedError("disk full"); },
      {.name = "audit"});
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
}

// --- limits ---

class SmallSignUpTest : public SignUpTest {
 protected:
  SmallSignUpTest() : SignUpTest({.open_max = 1, .time_max = std::chrono::seconds(60)}) {}
};

TEST_F(SmallSignUpTest, MoreThanTheLimitAtOnceAreA503) {
  files.SetLatency(kDisk);
  const auto first = AskForSignUp("ada@example.org");
  const auto second = AskForSignUp("bob@example.org");
  EXPECT_EQ(StatusOf(second), 503);
  world.RunFor(2 * kDisk);
  EXPECT_EQ(StatusOf(first), 201);
}

TEST_F(SmallSignUpTest, ASignUpThatNeverEndsIsForgottenInTime) {
  files.SetLatency(std::chrono::minutes(10));
  const auto lost = AskForSignUp("ada@example.org");
  world.RunFor(std::chrono::seconds(60));
  files.SetLatency(std::nullopt);
  EXPECT_EQ(StatusOf(AskForSignUp("bob@example.org")), 201);
  EXPECT_EQ(StatusOf(lost), 503);
  world.RunFor(std::chrono::minutes(10));  // its template, too late
  EXPECT_THAT(Mails(), SizeIs(1));
}

// --- at the start ---

TEST_F(SignUpTest, PendingUsersAreResumedAtTheStart) {
  constexpr std::size_t kPending = 100;
  for (std::size_t i = 0; i < kPending; ++i) {
    users.rows[std::to_string(i) + "@example.org"] = {"old" + std::to_string(i), "Ada"};
  }
  std::vector<Resumption::Report> reports;
  Resumption resumption(world.dispatcher(), users.Pending().value(),
                        [&](const Resumption::Report& report) { reports.push_back(report); });
  resumption.Start();
  world.Run();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].pending, kPending);
  EXPECT_EQ(reports[0].failed, 0u);
  EXPECT_THAT(users.Pending().value(), SizeIs(0));
  EXPECT_THAT(Mails(), SizeIs(kPending));
}

TEST_F(SignUpTest, WhatFailsToResumeStaysPendingAndIsReported) {
  users.rows["ada@example.org"] = {"old", "Ada"};
  files.Fail("mail/new/welcome.old", absl::ResourceExhaustedError("disk full"));
  std::vector<Resumption::Report> reports;
  Resumption resumption(world.dispatcher(), users.Pending().value(),
                        [&](const Resumption::Report& report) { reports.push_back(report); });
  resumption.Start();
  world.Run();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].failed, 1u);
  EXPECT_THAT(users.Pending().value(), SizeIs(1));
}

TEST(ResumptionTest, NoMoreAreBegunOnceTheDispatcherIsClosed) {
  belfry::Dispatcher dispatcher({.synchronous = true});
  int begun = 0;
  auto flow = dispatcher.Subscribe([&](const SignUpRequested&) {
    ++begun;
    dispatcher.Shutdown(belfry::ShutdownMode::kDrain, {});
    EXPECT_TRUE(dispatcher.Publish(UserSignedUp{})) << "while it drains, listeners may publish";
  });
  Resumption resumption(dispatcher, std::vector<User>(100),
                        [](const Resumption::Report&) { ADD_FAILURE() << "99 were not begun"; });
  resumption.Start();
  EXPECT_EQ(begun, 1);
}

TEST(WelcomeMessageTest, ANameIsTakenAsItIs) {
  const std::string message =
      WelcomeMessage({"7", "ada@example.org", "{{id}} Ådå"}, "Hello {{name}}", {});
  EXPECT_THAT(message, HasSubstr("\n\nHello {{id}} Ådå"));
  EXPECT_THAT(message, HasSubstr("Date: Thu, 01 Jan 1970 00:00:00 +0000\n"));
}

}  // namespace
}  // namespace signup
