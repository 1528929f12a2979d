// A sign-up from request to answer: the production wiring, everything else in memory.

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "signup/resumption.h"
#include "signup/sign_up.h"
#include "signup/sign_up_fixture.h"
#include "signup/welcome.h"

namespace signup {
namespace {

using belfry::http::HttpResponse;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// --- when all goes well ---

TEST_F(SignUpTest, AGoodRequestMakesOneActiveUserWithOneMail) {
  const auto request = SendSignUp("ada@example.org");
  EXPECT_EQ(AnswerOf(request).status, 201);
  EXPECT_EQ(HeaderOf(AnswerOf(request), "Content-Type"), "application/json");
  EXPECT_EQ(Said(request, "id"), "user1");
  EXPECT_TRUE(users.rows.at("ada@example.org").active);
  EXPECT_THAT(Mails(), ElementsAre(AllOf(HasSubstr("\nTo: ada@example.org\n"),
                                         HasSubstr("\n\nHello Ada, you are user1 at ada@"))));
}

TEST_F(SignUpTest, TheMailIsWrittenAsideAndDurably) {
  SendSignUp();
  ASSERT_THAT(files.writes, SizeIs(1));
  EXPECT_EQ(files.writes[0].path, "mail/new/welcome.user1");
  EXPECT_EQ(files.writes[0].options.temporary, "mail/tmp/welcome.user1");
  EXPECT_TRUE(files.writes[0].options.durable);
}

TEST_F(SignUpTest, NobodyIsToldBeforeAllThreePartsHaveHappened) {
  files.held = true;
  const auto request = SendSignUp();
  EXPECT_FALSE(Answered(request)) << "before the template was read";
  ASSERT_TRUE(files.Finish());
  EXPECT_FALSE(Answered(request)) << "before the mail was written";
  EXPECT_FALSE(users.rows.at("ada@example.org").active);
  ASSERT_TRUE(files.Finish());
  EXPECT_EQ(AnswerOf(request).status, 201);
  EXPECT_TRUE(users.rows.at("ada@example.org").active);
}

TEST_F(SignUpTest, TheAuditLogTellsWhatCausedWhatFromTheRequestToTheAnswer) {
  SendSignUp();
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
  SendSignUp();
  const auto again = SendSignUp();
  EXPECT_EQ(AnswerOf(again).status, 409);
  EXPECT_THAT(Said(again, "error"), HasSubstr("signed up already"));
  EXPECT_THAT(users.rows, SizeIs(1));
  EXPECT_THAT(files.writes, SizeIs(1));
}

TEST_F(SignUpTest, OfTwoRequestsAtOnceTheFirstSignsUpAndTheSecondIsADuplicate) {
  files.held = true;
  const auto first = SendSignUp();
  const auto second = SendSignUp();
  while (files.Finish()) {
  }
  EXPECT_EQ(AnswerOf(first).status, 201);
  EXPECT_EQ(AnswerOf(second).status, 409);
  EXPECT_THAT(files.writes, SizeIs(1)) << "the second waits for the first one's mail";
  EXPECT_THAT(users.rows, SizeIs(1));
}

TEST_F(SignUpTest, WhoWaitsForAnotherOnesMailFailsWithIt) {
  files.held = true;
  const auto first = SendSignUp();
  const auto second = SendSignUp();
  files.write_fails = absl::ResourceExhaustedError("disk full");
  while (files.Finish()) {
  }
  EXPECT_EQ(AnswerOf(first).status, 503);
  EXPECT_EQ(AnswerOf(second).status, 503);
}

// --- when something fails, and after it ---

TEST_F(SignUpTest, AStoreThatFailsIsA503AndARetrySucceeds) {
  users.add_fails = absl::UnavailableError("/data/signup.db is locked");
  const auto request = SendSignUp();
  EXPECT_EQ(AnswerOf(request).status, 503);
  EXPECT_EQ(HeaderOf(AnswerOf(request), "Retry-After"), "1");
  EXPECT_THAT(Said(request, "error"), AllOf(HasSubstr("store"), Not(HasSubstr("/data"))));
  EXPECT_THAT(Mails(), SizeIs(0));

  users.add_fails = absl::OkStatus();
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 201);
}

TEST_F(SignUpTest, AMailThatFailsIsA503AndARetryResumesTheSameUser) {
  files.write_fails = absl::ResourceExhaustedError("disk full");
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 503);
  EXPECT_FALSE(users.rows.at("ada@example.org").active);

  files.write_fails = absl::OkStatus();
  const auto retry = SendSignUp();
  EXPECT_EQ(AnswerOf(retry).status, 201);
  EXPECT_EQ(Said(retry, "id"), users.rows.at("ada@example.org").id);
  EXPECT_THAT(users.rows, SizeIs(1));
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_F(SignUpTest, ARetryAfterTheMailWasDeliveredSendsNoSecondOne) {
  users.activate_fails = absl::UnavailableError("busy");
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 503);
  ASSERT_THAT(Mails(), SizeIs(1));

  users.activate_fails = absl::OkStatus();
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 201);
  EXPECT_THAT(files.writes, SizeIs(1));
}

TEST_F(SignUpTest, AMailThatWasReadMeanwhileIsNotSentAgain) {
  users.activate_fails = absl::UnavailableError("busy");
  SendSignUp();
  auto mail = files.content.extract("mail/new/welcome.user1");
  mail.key() = "mail/cur/welcome.user1:2,S";
  files.content.insert(std::move(mail));

  users.activate_fails = absl::OkStatus();
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 201);
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_F(SignUpTest, AMailboxThatCannotBeSearchedIsA503) {
  users.activate_fails = absl::UnavailableError("busy");
  SendSignUp();
  mailbox.fails = absl::PermissionDeniedError("mail/cur");
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 503);
  EXPECT_THAT(files.writes, SizeIs(1));
}

TEST_F(SignUpTest, AMissingTemplateIsA503AndTheRowStaysPending) {
  files.content.erase("welcome.txt");
  const auto request = SendSignUp();
  EXPECT_EQ(AnswerOf(request).status, 503);
  EXPECT_THAT(Said(request, "error"), HasSubstr("mail"));
  EXPECT_FALSE(users.rows.at("ada@example.org").active);
}

TEST_F(SignUpTest, TwoPartsThatFailAreOneFailure) {
  users.add_fails = absl::UnavailableError("busy");
  files.read_fails = absl::UnavailableError("busy");
  const auto request = SendSignUp();
  EXPECT_EQ(AnswerOf(request).status, 503);
  const auto stats = boost::json::parse(AnswerOf(Send("GET", "/stats")).body);
  EXPECT_EQ(stats.at("failed").at("unavailable").to_number<int>(), 1);
}

TEST_F(SignUpTest, FilesThatAcceptNoMoreAreA503) {
  files.refuses = true;
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 503);
}

TEST_F(SignUpTest, AListenerThatThrowsIsA503) {
  users.throws = true;
  const auto request = SendSignUp();
  EXPECT_EQ(AnswerOf(request).status, 503);
  EXPECT_THAT(Said(request, "error"), Not(HasSubstr("broke"))) << "that is for the operator";
}

TEST_F(SignUpTest, APublishThatIsRefusedIsA503) {
  auto nothing_fits = dispatcher.Subscribe(
      [](const UserStored&) { FAIL(); },
      {.queue = {.events_max = 1, .bytes_max = 1}, .overflow = belfry::Overflow::Reject()});
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 503);
  nothing_fits.Reset();
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 201);
}

TEST_F(SignUpTest, AnAuditLogThatFailsStopsNobody) {
  auto failing = dispatcher.Subscribe(
      [](const UserStored&) { return absl::ResourceExhaustedError("disk full"); },
      {.name = "audit"});
  EXPECT_EQ(AnswerOf(SendSignUp()).status, 201);
}

// --- limits ---

class SmallSignUpTest : public SignUpTest {
 protected:
  SmallSignUpTest() : SignUpTest({.open_max = 1, .time_max = std::chrono::seconds(60)}) {}
};

TEST_F(SmallSignUpTest, MoreThanTheLimitAtOnceAreA503) {
  files.held = true;
  const auto first = SendSignUp("ada@example.org");
  const auto second = SendSignUp("bob@example.org");
  EXPECT_EQ(AnswerOf(second).status, 503);
  while (files.Finish()) {
  }
  EXPECT_EQ(AnswerOf(first).status, 201);
}

TEST_F(SmallSignUpTest, ASignUpThatNeverEndsIsForgottenInTime) {
  files.held = true;
  const auto lost = SendSignUp("ada@example.org");
  clock.Advance(std::chrono::seconds(60));
  files.held = false;
  EXPECT_EQ(AnswerOf(SendSignUp("bob@example.org")).status, 201);
  EXPECT_EQ(AnswerOf(lost).status, 503);
  files.Finish();  // its template, too late
  EXPECT_THAT(Mails(), SizeIs(1));
}

// --- at the start ---

TEST_F(SignUpTest, PendingUsersAreResumedAtTheStart) {
  constexpr std::size_t kPending = 100;
  for (std::size_t i = 0; i < kPending; ++i) {
    users.rows[std::to_string(i) + "@example.org"] = {"old" + std::to_string(i), "Ada"};
  }
  std::vector<Resumption::Report> reports;
  Resumption resumption(dispatcher, users.Pending().value(),
                        [&](const Resumption::Report& report) { reports.push_back(report); });
  resumption.Start();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].pending, kPending);
  EXPECT_EQ(reports[0].failed, 0u);
  EXPECT_THAT(users.Pending().value(), SizeIs(0));
  EXPECT_THAT(Mails(), SizeIs(kPending));
}

TEST_F(SignUpTest, WhatFailsToResumeStaysPendingAndIsReported) {
  users.rows["ada@example.org"] = {"old", "Ada"};
  files.write_fails = absl::ResourceExhaustedError("disk full");
  std::vector<Resumption::Report> reports;
  Resumption resumption(dispatcher, users.Pending().value(),
                        [&](const Resumption::Report& report) { reports.push_back(report); });
  resumption.Start();
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

// --- the join ---

TEST(SignUpOrderTest, TheThreePartsMayComeInAnyOrder) {
  std::array order{0, 1, 2};
  do {
    belfry::Dispatcher dispatcher({.synchronous = true});
    FakeUserStore users;
    users.rows["ada@example.org"] = {"user1", "Ada"};
    OpenSignUps open(dispatcher, {});
    SignUp sign_up(open, users);
    int signed_up = 0;
    const auto complete = [&](const auto& part, belfry::Context& context) {
      return sign_up.Complete(part, context);
    };
    const std::vector<belfry::Subscription> listeners = [&] {
      std::vector<belfry::Subscription> all;
      all.push_back(dispatcher.Subscribe<UserStored>(complete));
      all.push_back(dispatcher.Subscribe<belfry::FileReadFinished>(complete));
      all.push_back(dispatcher.Subscribe<MailAccepted>(complete));
      all.push_back(dispatcher.Subscribe([&](const UserSignedUp&) { ++signed_up; }));
      return all;
    }();

    const belfry::EventId story = dispatcher.NewEventId();
    const belfry::PublishOptions options{.cause = belfry::Cause{story, story}};
    ASSERT_TRUE(open.Open(story));
    for (const int part : order) {
      EXPECT_EQ(signed_up, 0);
      for (int twice = 0; twice < 2; ++twice) {  // a part that comes again changes nothing
        if (part == 0) dispatcher.Publish(UserStored{"user1", "ada@example.org", "Ada"}, options);
        if (part == 1) dispatcher.Publish(belfry::FileReadFinished{}, options);
        if (part == 2) dispatcher.Publish(MailAccepted{"user1"}, options);
      }
    }
    EXPECT_EQ(signed_up, 1);
    EXPECT_EQ(open.size(), 0u);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(WelcomeMessageTest, ANameIsTakenAsItIs) {
  const std::string message =
      WelcomeMessage({"7", "ada@example.org", "{{id}} Ådå"}, "Hello {{name}}", {});
  EXPECT_THAT(message, HasSubstr("\n\nHello {{id}} Ådå"));
  EXPECT_THAT(message, HasSubstr("Date: Thu, 01 Jan 1970 00:00:00 +0000\n"));
}

}  // namespace
}  // namespace signup
