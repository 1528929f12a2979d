// Sign-ups that an earlier process did not finish, by both flows.

#include "signup/resumption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "signup/sign_up_fixture.h"

namespace signup {
namespace {

using ::testing::SizeIs;
using ResumedSignUpTest = SignUpTest;

TEST_P(ResumedSignUpTest, PendingUsersAreResumedAtTheStart) {
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

TEST_P(ResumedSignUpTest, WhatFailsToResumeStaysPendingAndIsReported) {
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

INSTANTIATE_TEST_SUITE_P(Flows, ResumedSignUpTest, ::testing::ValuesIn(kBothFlows), NameOfParam);

}  // namespace
}  // namespace signup
