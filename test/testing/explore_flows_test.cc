// Every order in which deliveries could have come.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "belfry/testing/explore.h"
#include "belfry/testing/show.h"

namespace belfry::testing {
namespace {

using ::testing::HasSubstr;
using Reach = ExploreReport::Reach;

struct Deposit {
  int amount = 0;
};
struct BalanceRead {
  int balance = 0;
  int amount = 0;
};
struct BalanceWritten {
  int balance = 0;
};

// A read and a write with an event in between: two deposits at once lose one.
void LostUpdate(World& world) {
  struct Account {
    int balance = 0;
  } account;
  const Subscription read = world.dispatcher().Subscribe(
      [&](const Deposit& deposit) {
        return BalanceRead{account.balance, deposit.amount};
      },
      {.name = "account.read"});
  const Subscription write = world.dispatcher().Subscribe(
      [&](const BalanceRead& was) { account.balance = was.balance + was.amount; },
      {.name = "account.write"});
  ASSERT_TRUE(world.dispatcher().Publish(Deposit{10}));
  world.Step();
  ASSERT_TRUE(world.dispatcher().Publish(Deposit{20}));
  world.Run();
  EXPECT_EQ(account.balance, 30);
}

TEST(ExploreTest, ALostUpdateIsFoundAndShortened) {
  const ExploreReport report = Explore({}, LostUpdate);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.reach, Reach::kFailed);
  EXPECT_THAT(report.failure->what, HasSubstr("account.balance"));
  EXPECT_EQ(report.failure->changes, 1U) << report.Describe();
  EXPECT_THAT(report.failure->story, HasSubstr("account.write <- #"));
}

TEST(ExploreTest, EveryOrderOfThreeIndependentListenersIsRun) {
  std::vector<std::string> orders;
  const ExploreReport report = Explore({.strategy = Strategy::kAll}, [&](World& world) {
    std::string order;
    std::vector<Subscription> all;
    for (const char* const name : {"a", "b", "c"}) {
      all.push_back(world.dispatcher().Subscribe([&, name](const Deposit&) { order += name; },
                                                 {.name = name}));
    }
    ASSERT_TRUE(world.dispatcher().Publish(Deposit{1}));
    world.Run();
    orders.push_back(order);
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_EQ(report.reach, Reach::kComplete);
  for (const char* const order : {"abc", "acb", "bac", "bca", "cab", "cba"}) {
    EXPECT_THAT(orders, ::testing::Contains(order));
  }
}

TEST(ExploreTest, OfIndependentListenersOneOrderIsRun) {
  std::vector<std::string> orders;
  const ExploreOptions options{.independent = {{"a", "b"}, {"a", "c"}, {"b", "c"}}};
  const ExploreReport report = Explore(options, [&](World& world) {
    std::string order;
    std::vector<Subscription> all;
    for (const char* const name : {"a", "b", "c"}) {
      all.push_back(world.dispatcher().Subscribe([&, name](const Deposit&) { order += name; },
                                                 {.name = name}));
    }
    ASSERT_TRUE(world.dispatcher().Publish(Deposit{1}));
    world.Run();
    orders.push_back(order);
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_EQ(report.reach, Reach::kCompleteUnderIndependence);
}

}  // namespace
}  // namespace belfry::testing
