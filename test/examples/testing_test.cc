// The examples in the headers of belfry::testing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/testing/explore.h"
#include "belfry/testing/faults.h"
#include "belfry/testing/matchers.h"
#include "belfry/testing/recorder.h"
#include "belfry/testing/scenario.h"
#include "belfry/testing/world.h"

namespace belfry {
namespace {

struct SignUpRequested {
  std::string email;
};
struct UserSignedUp {
  std::string email;
};
struct OrderPlaced {
  int number;
};

Subscription WireSignUp(Dispatcher& dispatcher) {
  return dispatcher.Subscribe(
      [](const SignUpRequested& request) { return UserSignedUp{request.email}; },
      {.name = "signup.store"});
}

TEST(WorldExample, AFlowRunsOnOneThread) {
  // example: testing/world.h
  belfry::testing::World world;
  auto wiring = WireSignUp(world.dispatcher());  // as the program does
  world.dispatcher().Publish(SignUpRequested{"ada@example.org"});
  world.Run();
  EXPECT_EQ(world.record().events.at(1).As<UserSignedUp>()->email, "ada@example.org");
  // end of example
}

TEST(RecorderExample, ItAwaitsDeliveriesAndNotTime) {
  const auto SendWelcome = [](const UserSignedUp&) {};
  // example: testing/recorder.h
  belfry::testing::Recorder recorder;
  belfry::Dispatcher dispatcher({.observer = &recorder});
  auto welcome = dispatcher.Subscribe(SendWelcome, {.name = "mail.welcome"});
  dispatcher.Publish(UserSignedUp{"ada@example.org"});
  EXPECT_TRUE(recorder.AwaitEnded("mail.welcome", 1));  // however many threads there are
  // end of example
}

TEST(FaultsExample, TheSecondCallFailsAndTheMailIsLate) {
  belfry::testing::World world({.tolerated = {.failures = true}});
  const Subscription wiring = WireSignUp(world.dispatcher());
  // example: testing/faults.h
  world.faults().Fail("signup.store", 2, absl::UnavailableError("the store is locked"));
  world.faults().Delay("mail.welcome", 1, std::chrono::seconds(40));
  // end of example
  world.dispatcher().Publish(SignUpRequested{"ada@example.org"});
  world.dispatcher().Publish(SignUpRequested{"bob@example.org"});
  world.Run();
  EXPECT_EQ(world.record().events.size(), 3U) << "one of two has signed up";
}

struct SignUpFailed {
  std::string email;
};

TEST(MatchersExample, WhatHasHappenedIsAskedFor) {
  using namespace belfry::testing;
  using ::testing::Field;
  World world;
  const Subscription wiring = WireSignUp(world.dispatcher());
  const Subscription audit =
      world.dispatcher().Subscribe([](const UserSignedUp&) {}, {.name = "audit"});
  const Subscription welcome =
      world.dispatcher().Subscribe([](const UserSignedUp&) {}, {.name = "mail.welcome"});
  const Subscription sorry =
      world.dispatcher().Subscribe([](const SignUpFailed&) {}, {.name = "mail.sorry"});
  world.dispatcher().Publish(SignUpRequested{"ada"});
  world.Run();
  // example: testing/matchers.h
  EXPECT_THAT(world, Published<UserSignedUp>(Field("email", &UserSignedUp::email, "ada")));
  EXPECT_THAT(world, Published([](const UserSignedUp& user) { return user.email == "ada"; }));
  EXPECT_THAT(world, Handled<UserSignedUp>().By("mail.welcome").After("audit"));
  EXPECT_THAT(world, NotCalled("mail.sorry"));
  world.Expect(NotPublished<SignUpFailed>());  // the same, with a shorter text when it fails
  // end of example
  // example: testing/matchers.h
  EXPECT_THAT(world, PublishedInOrder(Published<SignUpRequested>(), Published<UserSignedUp>()));
  // end of example
}

struct LogInFailed {
  std::string user;
};
struct AccountLocked {
  std::string user;
};
struct AccountUnlocked {
  std::string user;
};

TEST(ScenarioExample, ItReadsLikeASpecification) {
  using namespace belfry::testing;
  using namespace std::chrono_literals;
  World world;
  const Subscription lock = world.dispatcher().Subscribe(
      [&](const LogInFailed& failed) {
        world.dispatcher().PublishAfter(30s, AccountUnlocked{failed.user});
        return AccountLocked{failed.user};
      },
      {.name = "account.lock"});
  const Subscription sorry =
      world.dispatcher().Subscribe([](const SignUpFailed&) {}, {.name = "mail.sorry"});
  // example: testing/scenario.h
  Given(world, UserSignedUp{"ada"});
  When(world, LogInFailed{"ada"});
  Then(world, Published<AccountLocked>(), NotCalled("mail.sorry")).AndNothingElse();
  After(world, 31s);
  Then(world, Published<AccountUnlocked>()).AndNothingElse();
  // end of example
}

struct Shop {
  int shipped = 0;
  std::vector<Subscription> listeners{};
};
std::unique_ptr<Shop> WireShop(Dispatcher& dispatcher) {
  auto shop = std::make_unique<Shop>();
  shop->listeners.push_back(
      dispatcher.Subscribe([shop = shop.get()](const OrderPlaced&) { ++shop->shipped; }));
  return shop;
}

TEST(ExploreExample, EveryOrderIsRun) {
  // example: testing/explore.h
  belfry::testing::ExpectInEveryOrder([](belfry::testing::World& world) {
    auto wiring = WireShop(world.dispatcher());
    world.dispatcher().Publish(OrderPlaced{1});
    world.Run();
    EXPECT_EQ(wiring->shipped, 1);
  });
  // end of example
}

}  // namespace
}  // namespace belfry
