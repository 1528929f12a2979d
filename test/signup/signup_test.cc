// A sign-up from request to answer, by both flows: the production wiring, all else in memory.

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

#include "belfry/subscription_bag.h"
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

TEST_P(SignUpTest, AGoodRequestMakesOneActiveUserWithOneMail) {
  const auto request = AskForSignUp("ada@example.org");
  EXPECT_EQ(StatusOf(request), 201);
  EXPECT_EQ(HeaderOf(AnswerOf(request), "Content-Type"), "application/json");
  EXPECT_EQ(Said(request, "id"), "user1");
  EXPECT_TRUE(users.rows.at("ada@example.org").active);
  EXPECT_THAT(Mails(), ElementsAre(AllOf(HasSubstr("\nTo: ada@example.org\n"),
                                         HasSubstr("\n\nHello Ada, you are user1 at ada@"))));
}

TEST_P(SignUpTest, TheMailIsWrittenAsideAndDurably) {
  AskForSignUp();
  ASSERT_THAT(files.writes(), SizeIs(1));
  EXPECT_EQ(files.writes()[0].path, "mail/new/welcome.user1");
  EXPECT_EQ(files.writes()[0].options.temporary, "mail/tmp/welcome.user1");
  EXPECT_TRUE(files.writes()[0].options.durable);
}

TEST_P(SignUpTest, NobodyIsToldBeforeAllThreePartsHaveHappened) {
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

// What caused an event, back to the request.
std::vector<std::string> CausesOf(const std::string& id,
                                  const std::map<std::string, boost::json::object>& by_id) {
  std::vector<std::string> chain;
  for (std::string next = id; !next.empty();) {
    chain.emplace_back(by_id.at(next).at("event").as_string());
    next = by_id.at(next).at("causation").as_string();
  }
  return chain;
}

TEST_P(SignUpTest, TheAuditLogTellsWhatCausedWhatFromTheRequestToTheAnswer) {
  AskForSignUp();
  std::map<std::string, boost::json::object> by_id;
  std::map<std::string, std::string> id_of;
  for (const boost::json::object& line : audit) {
    const std::string id(line.at("id").as_string());
    EXPECT_TRUE(by_id.try_emplace(id, line).second) << id << " has two lines";
    id_of[std::string(line.at("event").as_string())] = id;
  }
  const std::vector<std::string> chain = CausesOf(id_of.at("belfry.http.response"), by_id);
  std::set<std::string> links;
  for (const auto& link : by_id.at(id_of.at("signup.user_signed_up")).at("links").as_array()) {
    links.emplace(link.as_string());
  }
  if (GetParam() == Flow::kStory) {
    // One delivery publishes them all.
    EXPECT_THAT(chain, ElementsAre("belfry.http.response", "signup.user_signed_up",
                                   "signup.requested", "belfry.http.request_received"));
    EXPECT_THAT(links, SizeIs(0));
  } else {
    EXPECT_THAT(chain,
                ElementsAre("belfry.http.response", "signup.user_signed_up", "signup.mail_accepted",
                            "belfry.file_write_finished", "signup.welcome_rendered",
                            "belfry.file_read_finished", "signup.accepted", "signup.requested",
                            "belfry.http.request_received"));
    // What a composition is made of is linked.
    EXPECT_EQ(links,
              (std::set{id_of.at("signup.accepted"), id_of.at("signup.user_stored"),
                        id_of.at("belfry.file_read_finished"), id_of.at("signup.mail_accepted")}));
  }
  const std::string story = id_of.at("belfry.http.request_received");
  for (const auto& [id, line] : by_id) {
    EXPECT_EQ(std::string(line.at("correlation").as_string()), story);
  }
  const auto& listeners = by_id.at(id_of.at("signup.user_signed_up")).at("listeners").as_array();
  EXPECT_EQ(listeners, (boost::json::array{"counters", "http.answer", "audit"}));
}

TEST_P(SignUpTest, WhoLooksFromOutsideSeesTheSameEvents) {
  AskForSignUp();
  std::multiset<std::string> events;
  for (const boost::json::object& line : audit) events.emplace(line.at("event").as_string());
  // What the steps say to each other is the flow's own.
  events.erase("signup.accepted");
  events.erase("signup.welcome_rendered");
  EXPECT_THAT(events, ElementsAre("belfry.file_read_finished", "belfry.file_write_finished",
                                  "belfry.http.request_received", "belfry.http.response",
                                  "signup.mail_accepted", "signup.requested",
                                  "signup.user_signed_up", "signup.user_stored"));
}

// --- the second time ---

TEST_P(SignUpTest, AnActiveAddressIsADuplicate) {
  AskForSignUp();
  const auto again = AskForSignUp();
  EXPECT_EQ(StatusOf(again), 409);
  EXPECT_THAT(Said(again, "error"), HasSubstr("signed up already"));
  EXPECT_THAT(users.rows, SizeIs(1));
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_P(SignUpTest, OfTwoRequestsAtOnceTheFirstSignsUpAndTheSecondIsADuplicate) {
  files.SetLatency(kDisk);
  const auto first = AskForSignUp();
  const auto second = AskForSignUp();
  world.RunFor(2 * kDisk);
  EXPECT_EQ(StatusOf(first), 201);
  EXPECT_EQ(StatusOf(second), 409);
  EXPECT_THAT(files.writes(), SizeIs(1)) << "the second waits for the first one's mail";
  EXPECT_THAT(users.rows, SizeIs(1));
}

TEST_P(SignUpTest, OfTwoRequestsAtOnceBothFailWhereTheMailDoes) {
  files.SetLatency(kDisk);
  const auto first = AskForSignUp();
  const auto second = AskForSignUp();
  files.Fail(kMail, absl::ResourceExhaustedError("disk full"));
  files.Fail("mail/new/welcome.user2", absl::ResourceExhaustedError("disk full"));
  world.RunFor(4 * kDisk);
  EXPECT_EQ(StatusOf(first), 503);
  EXPECT_EQ(StatusOf(second), 503);
  EXPECT_THAT(users.rows, SizeIs(0));
}

// --- when something fails, and after it ---

TEST_P(SignUpTest, AStoreThatFailsIsA503AndARetrySucceeds) {
  users.add_fails = absl::UnavailableError("/data/signup.db is locked");
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_EQ(HeaderOf(AnswerOf(request), "Retry-After"), "1");
  EXPECT_THAT(Said(request, "error"), AllOf(HasSubstr("store"), Not(HasSubstr("/data"))));
  EXPECT_THAT(Mails(), SizeIs(0));

  users.add_fails = absl::OkStatus();
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
}

TEST_P(SignUpTest, AMailThatFailsIsA503AndItsRowIsTakenBack) {
  files.Fail(kMail, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  EXPECT_THAT(users.rows, SizeIs(0));

  files.Fail(kMail, absl::OkStatus());
  const auto retry = AskForSignUp();
  EXPECT_EQ(StatusOf(retry), 201);
  EXPECT_EQ(Said(retry, "id"), users.rows.at("ada@example.org").id);
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_P(SignUpTest, ARetryAfterTheMailWasDeliveredSendsNoSecondOne) {
  users.activate_fails = absl::UnavailableError("busy");
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  ASSERT_THAT(Mails(), SizeIs(1));
  EXPECT_THAT(users.Pending().value(), SizeIs(1)) << "who has a mail has a row";

  users.activate_fails = absl::OkStatus();
  const auto retry = AskForSignUp();
  EXPECT_EQ(StatusOf(retry), 201);
  EXPECT_EQ(Said(retry, "id"), "user1");
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_P(SignUpTest, AMailThatWasReadMeanwhileIsNotSentAgain) {
  users.activate_fails = absl::UnavailableError("busy");
  AskForSignUp();
  files.Put("mail/cur/welcome.user1:2,S", files.content().at(kMail));
  files.Remove(kMail);

  users.activate_fails = absl::OkStatus();
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_P(SignUpTest, OfTwoRequestsAtOnceTheSlowOneSendsNoSecondMail) {
  files.SetLatency("welcome.txt", 5 * kDisk);
  const auto slow = AskForSignUp();
  files.SetLatency("welcome.txt", kDisk);
  const auto quick = AskForSignUp();
  while (!Answered(slow) && !Answered(quick)) world.RunFor(kDisk);
  files.Put("mail/cur/welcome.user1:2,S", files.content().at(kMail));
  files.Remove(kMail);
  world.RunFor(5 * kDisk);
  EXPECT_THAT((std::vector{StatusOf(slow), StatusOf(quick)}), UnorderedElementsAre(201, 409));
  EXPECT_THAT(Mails(), SizeIs(1));
}

TEST_P(SignUpTest, AMailboxThatCannotBeSearchedIsA503) {
  users.activate_fails = absl::UnavailableError("busy");
  AskForSignUp();
  mailbox.fails = absl::PermissionDeniedError("mail/cur");
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  EXPECT_THAT(files.writes(), SizeIs(1));
}

TEST_P(SignUpTest, AMissingTemplateIsA503AndTheRowIsTakenBack) {
  files.Remove("welcome.txt");
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_THAT(Said(request, "error"), HasSubstr("mail"));
  EXPECT_THAT(users.rows, SizeIs(0));
}

TEST_P(SignUpTest, ARowOfAnEarlierProcessIsNotTakenBack) {
  users.rows["ada@example.org"] = {"old", "Ada"};
  files.Remove("welcome.txt");
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  EXPECT_THAT(users.Pending().value(), SizeIs(1)) << "the next start resumes it";
}

TEST_P(SignUpTest, TwoPartsThatFailAreOneFailure) {
  users.add_fails = absl::UnavailableError("busy");
  files.Fail("welcome.txt", absl::UnavailableError("busy"));
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_EQ(Stats().at("failed").at("unavailable").to_number<int>(), 1);
}

TEST_P(SignUpTest, FilesThatAcceptNoMoreAreA503) {
  files.Refuse();
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
}

TEST_P(SignUpTest, AListenerThatThrowsIsA503) {
  world.Tolerate({.failures = true});
  users.throws = true;
  const auto request = AskForSignUp();
  EXPECT_EQ(StatusOf(request), 503);
  EXPECT_THAT(Said(request, "error"), Not(HasSubstr("broke"))) << "that is for the operator";
}

TEST_P(SignUpTest, APublishThatIsRefusedIsA503) {
  world.Tolerate({.losses = true});
  auto nothing_fits = world.dispatcher().Subscribe(
      [](const UserStored&) { FAIL(); },
      {.queue = {.events_max = 1, .bytes_max = 1}, .overflow = belfry::Overflow::Reject()});
  EXPECT_EQ(StatusOf(AskForSignUp()), 503);
  nothing_fits.Reset();
  EXPECT_EQ(StatusOf(AskForSignUp()), 201);
}

TEST_P(SignUpTest, AnAuditLogThatFailsStopsNobody) {
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

TEST_P(SmallSignUpTest, MoreThanTheLimitAtOnceAreA503) {
  files.SetLatency(kDisk);
  const auto first = AskForSignUp("ada@example.org");
  const auto second = AskForSignUp("bob@example.org");
  EXPECT_EQ(StatusOf(second), 503);
  world.RunFor(2 * kDisk);
  EXPECT_EQ(StatusOf(first), 201);
}

// --- both flows ---

INSTANTIATE_TEST_SUITE_P(Flows, SignUpTest, ::testing::ValuesIn(kBothFlows), NameOfParam);
INSTANTIATE_TEST_SUITE_P(Flows, SmallSignUpTest, ::testing::ValuesIn(kBothFlows), NameOfParam);

TEST(WelcomeMessageTest, ANameIsTakenAsItIs) {
  const std::string message =
      WelcomeMessage({"7", "ada@example.org", "{{id}} Ådå"}, "Hello {{name}}", {});
  EXPECT_THAT(message, HasSubstr("\n\nHello {{id}} Ådå"));
  EXPECT_THAT(message, HasSubstr("Date: Thu, 01 Jan 1970 00:00:00 +0000\n"));
}

}  // namespace
}  // namespace signup
