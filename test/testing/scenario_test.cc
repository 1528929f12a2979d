// Given, When, Then, After.

#include "belfry/testing/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>

#include <gtest/gtest-spi.h>

#include "belfry/testing/world.h"

namespace belfry::testing {
namespace {

using namespace std::chrono_literals;

struct LogInFailed {
  std::string user;
};
struct AccountLocked {
  std::string user;
};
struct AccountUnlocked {
  std::string user;
};

// Two wrong passwords lock an account for half a minute.
class ScenarioTest : public ::testing::Test {
 protected:
  World world_;
  std::map<std::string, int> failures_;
  Subscription lock_ = world_.dispatcher().Subscribe(
      [this](const LogInFailed& failed) {
        if (failed.user.empty()) throw std::invalid_argument("who?");
        if (++failures_[failed.user] < 2) return;
        world_.dispatcher().Publish(AccountLocked{failed.user});
        world_.dispatcher().PublishAfter(30s, AccountUnlocked{failed.user});
      },
      {.name = "account.lock"});
};

TEST_F(ScenarioTest, ItReadsLikeASpecification) {
  Given(world_, LogInFailed{"ada"});
  When(world_, LogInFailed{"ada"});
  Then(world_, Published<AccountLocked>(), NotPublished<AccountUnlocked>()).AndNothingElse();
  After(world_, 31s);
  Then(world_, Published<AccountUnlocked>()).AndNothingElse();
}

TEST_F(ScenarioTest, WhatIsGivenIsForgotten) {
  Given(world_, LogInFailed{"ada"}, LogInFailed{"ada"});
  Then(world_, NotPublished<LogInFailed>(), NotPublished<AccountLocked>()).AndNothingElse();
  After(world_, 31s);
  Then(world_, Published<AccountUnlocked>());
  Given(world_);
  Then(world_, NotPublished<AccountUnlocked>());
}

TEST_F(ScenarioTest, WhatIsUnderWayWhenItIsForgottenStillEnds) {
  world_.faults().Delay("account.lock", 1, 5s);
  Given(world_, LogInFailed{"ada"});
  Then(world_, NotPublished<LogInFailed>());
  After(world_, 5s);
  Then(world_, NotPublished<LogInFailed>(), Handled<LogInFailed>().By("account.lock"))
      .AndNothingElse();
}

TEST_F(ScenarioTest, SeveralEventsArePublishedBeforeAnythingRuns) {
  When(world_, LogInFailed{"ada"}, LogInFailed{"ada"});
  Then(world_, PublishedInOrder(Published<LogInFailed>().Times(2), Published<AccountLocked>()))
      .AndNothingElse();
}

TEST(ScenarioFailureTest, WhatFailsInGivenFailsTheTest) {
  const auto scenario = [] {
    World world;
    const Subscription lock = world.dispatcher().Subscribe(
        [](const LogInFailed&) { throw std::invalid_argument("who?"); }, {.name = "account.lock"});
    Given(world, LogInFailed{""});
  };
  EXPECT_NONFATAL_FAILURE(scenario(), "unexpected: listener account.lock failed on");
}

TEST(ScenarioFailureTest, WhatIsLeftOverIsNamed) {
  const auto scenario = [] {
    World world;
    When(world, LogInFailed{"ada"});
    world.dispatcher().Publish(AccountLocked{"ada"});
    Then(world, NotPublished<AccountUnlocked>()).AndNothingElse();
  };
  EXPECT_NONFATAL_FAILURE(scenario(), "seen: 1 more event that no expectation has named");
}

}  // namespace
}  // namespace belfry::testing
