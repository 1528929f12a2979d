// The sign-up in every order in which its parts could come.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "belfry/subscription_bag.h"
#include "belfry/testing/explore.h"
#include "signup/sign_up.h"
#include "signup/sign_up_fixture.h"

namespace signup {
namespace {

using belfry::testing::ExpectInEveryOrder;
using belfry::testing::ExploreOptions;
using belfry::testing::ExploreReport;
using belfry::testing::World;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// By what they share with others; who shares nothing with whom may change places with him.
std::vector<std::pair<std::string, std::string>> WhoSharesNothing() {
  const std::vector<std::vector<std::string>> sharing = {
      {"signup.store", "signup.complete"},  // the users' rows
      {"welcome.render"},                   // what a mail is made of
      {"mail.deliver", "mail.accept", "the write of mail/new/welcome.user1"},  // the mailbox
      {"the read of welcome.txt"},  // the order of those who wait for it
  };
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < sharing.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      for (const std::string& one : sharing[i]) {
        for (const std::string& other : sharing[j]) pairs.emplace_back(one, other);
      }
    }
  }
  return pairs;
}

TEST(SignUpInEveryOrderTest, TwoRequestsForOneAddressAtOnceMakeOneUserWithOneMail) {
  const ExploreOptions options{
      .independent = WhoSharesNothing(),
      // These need nothing but the event, or only look on.
      .independent_of_all = {"http.route", "signup.validate", "welcome.read", "http.answer",
                             "answers", "audit"}};
  const ExploreReport report = Explore(options, [](World& world) {
    SignUpInWorld sign_up(world);
    const auto one = sign_up.SendSignUp("ada@example.org");
    const auto other = sign_up.SendSignUp("ada@example.org");
    world.Run();
    EXPECT_THAT((std::vector{sign_up.StatusOf(one), sign_up.StatusOf(other)}),
                UnorderedElementsAre(201, 409));
    EXPECT_THAT(sign_up.users.rows, SizeIs(1));
    EXPECT_THAT(sign_up.files.writes(), SizeIs(1)) << "no second mail";
  });
  EXPECT_EQ(report.reach, ExploreReport::Reach::kCompleteUnderIndependence) << report.Describe();
}

// --- the join ---

TEST(SignUpOrderTest, TheThreePartsMayComeInAnyOrder) {
  ExpectInEveryOrder([](World& world) {
    belfry::Dispatcher& dispatcher = world.dispatcher();
    FakeUserStore users;
    users.rows["ada@example.org"] = {"user1", "Ada"};
    OpenSignUps open(dispatcher, {});
    SignUp sign_up(open, users);
    const auto complete = [&](const auto& part, belfry::Context& context) {
      return sign_up.Complete(part, context);
    };
    int signed_up = 0;
    belfry::SubscriptionBag listeners;
    listeners += dispatcher.Subscribe<UserStored>(complete, {.name = "stored"});
    listeners += dispatcher.Subscribe<belfry::FileReadFinished>(complete, {.name = "read"});
    listeners += dispatcher.Subscribe<MailAccepted>(complete, {.name = "accepted"});
    listeners += dispatcher.Subscribe([&](const UserSignedUp&) { ++signed_up; }, {.name = "end"});

    const belfry::EventId story = dispatcher.NewEventId();
    const belfry::PublishOptions options{.cause = belfry::Cause{story, story}};
    ASSERT_TRUE(open.Open(story));
    for (int twice = 0; twice < 2; ++twice) {  // a part that comes again changes nothing
      dispatcher.Publish(UserStored{"user1", "ada@example.org", "Ada"}, options);
      dispatcher.Publish(belfry::FileReadFinished{}, options);
      dispatcher.Publish(MailAccepted{"user1"}, options);
    }
    world.Run();
    EXPECT_EQ(signed_up, 1);
    EXPECT_EQ(open.size(), 0u);
  });
}

}  // namespace
}  // namespace signup
