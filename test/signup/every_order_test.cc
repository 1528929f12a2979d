// The sign-up in every order in which its parts could come, by both flows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "belfry/testing/explore.h"
#include "signup/sign_up_fixture.h"

namespace signup {
namespace {

using belfry::testing::ExploreOptions;
using belfry::testing::ExploreReport;
using belfry::testing::World;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::seconds kTimeMax{4};

class SignUpInEveryOrderTest : public ::testing::TestWithParam<Flow> {
 protected:
  // Runs it in every order. In the end, whatever happened: rows and mails belong together, and
  // nobody was told two things or has two mails.
  void Explore(const std::function<void(SignUpInWorld&)>& scenario) {
    const ExploreOptions options{
        .time_max = std::chrono::minutes(5),  // it takes seconds, but under a sanitizer more
        // These need nothing but the event, or only look on.
        .independent_of_all = {"http.route", "signup.validate", "welcome.read", "http.answer",
                               "answers", "audit"}};
    const ExploreReport report = belfry::testing::Explore(options, [&](World& world) {
      SignUpInWorld sign_up(world, GetParam(), {.time_max = kTimeMax});
      scenario(sign_up);
      world.RunFor(3 * kTimeMax);
      sign_up.ExpectRowsAndMailsBelongTogether();
      EXPECT_THAT(sign_up.Mails(), SizeIs(Le(1u)));
    });
    EXPECT_EQ(report.reach, ExploreReport::Reach::kCompleteUnderIndependence) << report.Describe();
    std::printf("[ EXPLORED ] %s\n", report.Describe().c_str());
  }
};

TEST_P(SignUpInEveryOrderTest, TwoRequestsForOneAddressAtOnceMakeOneUserWithOneMail) {
  Explore([](SignUpInWorld& sign_up) {
    const auto one = sign_up.SendSignUp("ada@example.org");
    const auto other = sign_up.SendSignUp("ada@example.org");
    sign_up.world.Run();
    EXPECT_THAT((std::vector{sign_up.StatusOf(one), sign_up.StatusOf(other)}),
                UnorderedElementsAre(201, 409));
    EXPECT_THAT(sign_up.users.rows, SizeIs(1));
    EXPECT_THAT(sign_up.files.writes(), SizeIs(1)) << "no second mail";
  });
}

TEST_P(SignUpInEveryOrderTest, AStoreThatFailsLeavesNothingBehind) {
  Explore([](SignUpInWorld& sign_up) {
    sign_up.users.may_fail = true;
    const auto request = sign_up.AskForSignUp();
    EXPECT_THAT(sign_up.StatusOf(request), AnyOf(201, 503));
  });
}

TEST_P(SignUpInEveryOrderTest, FilesThatFailLeaveNothingBehind) {
  Explore([](SignUpInWorld& sign_up) {
    sign_up.files.MayFailNth(1, absl::UnavailableError("the template"));
    sign_up.files.MayFailNth(2, absl::UnavailableError("the mail"));
    const auto request = sign_up.AskForSignUp();
    EXPECT_THAT(sign_up.StatusOf(request), AnyOf(201, 503));
    EXPECT_EQ(sign_up.StatusOf(request) == 201, sign_up.users.rows.size() == 1);
  });
}

TEST_P(SignUpInEveryOrderTest, TwoRequestsOfWhichFilesMayFailLeaveNothingBehind) {
  Explore([](SignUpInWorld& sign_up) {
    sign_up.files.MayFailNth(1, absl::UnavailableError("a template"));
    sign_up.files.MayFailNth(3, absl::UnavailableError("by events a mail"));
    const auto one = sign_up.SendSignUp("ada@example.org");
    const auto other = sign_up.SendSignUp("ada@example.org");
    sign_up.world.Run();
    const std::vector statuses{sign_up.StatusOf(one), sign_up.StatusOf(other)};
    EXPECT_THAT(statuses, ::testing::Each(AnyOf(201, 409, 503)));
    EXPECT_EQ(sign_up.users.rows.size(), std::count(statuses.begin(), statuses.end(), 201));
  });
}

TEST_P(SignUpInEveryOrderTest, OfTwoRequestsTheMailComesAsTheTimeIsOver) {
  Explore([](SignUpInWorld& sign_up) {
    sign_up.files.SetLatency("mail/new/welcome.user1", kTimeMax);
    // As a story the second request's template is read behind it.
    const belfry::FileOperation mail = GetParam() == Flow::kEvents ? 3 : 2;
    sign_up.files.MayFailNth(mail, absl::UnavailableError("the mail"));
    sign_up.SendSignUp("ada@example.org");
    sign_up.SendSignUp("ada@example.org");
    sign_up.world.RunFor(3 * kTimeMax);
  });
}

TEST_P(SignUpInEveryOrderTest, ATemplateThatComesAsTheTimeIsOver) {
  Explore([](SignUpInWorld& sign_up) {
    sign_up.files.SetLatency("welcome.txt", kTimeMax);
    const auto request = sign_up.AskForSignUp();
    sign_up.world.RunFor(kTimeMax);
    EXPECT_THAT(sign_up.StatusOf(request), AnyOf(201, 503));
  });
}

TEST_P(SignUpInEveryOrderTest, AMailThatIsWrittenOrFailsAsTheTimeIsOver) {
  Explore([](SignUpInWorld& sign_up) {
    sign_up.files.SetLatency("mail/new/welcome.user1", kTimeMax);
    sign_up.files.MayFailNth(2, absl::UnavailableError("the mail"));
    const auto request = sign_up.AskForSignUp();
    sign_up.world.RunFor(kTimeMax);
    EXPECT_THAT(sign_up.StatusOf(request), AnyOf(201, 503));
  });
}

INSTANTIATE_TEST_SUITE_P(Flows, SignUpInEveryOrderTest, ::testing::ValuesIn(kBothFlows),
                         NameOfParam);

}  // namespace
}  // namespace signup
