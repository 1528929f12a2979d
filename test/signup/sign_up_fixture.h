// What a test of the sign-up is: a world of its own, and both flows.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include <boost/json.hpp>

#include "belfry/clock.h"
#include "belfry/testing/world.h"
#include "signup/flow.h"
#include "signup/sign_up_in_world.h"

namespace signup {

inline constexpr Flow kBothFlows[] = {Flow::kEvents, Flow::kStory};

struct WorldOfTest {
  belfry::testing::World world_of_test;
};

// With a world of its own.
class SignUpFixture : public ::testing::Test, private WorldOfTest, protected SignUpInWorld {
 protected:
  explicit SignUpFixture(Flow flow, OpenSignUps::Limits limits = {})
      : SignUpInWorld(world_of_test, flow, limits), time_max_(limits.time_max) {}

  void TearDown() override {
    EXPECT_EQ(Stats().at("under_way").to_number<int>(), 0) << "a sign-up left something behind";
    world.RunFor(time_max_);
    ExpectRowsAndMailsBelongTogether();
  }

 private:
  const belfry::Nanoseconds time_max_;
};

// For both flows.
class SignUpTest : public SignUpFixture, public ::testing::WithParamInterface<Flow> {
 protected:
  explicit SignUpTest(OpenSignUps::Limits limits = {}) : SignUpFixture(GetParam(), limits) {}
};

inline std::string NameOfParam(const ::testing::TestParamInfo<Flow>& info) {
  return info.param == Flow::kEvents ? "Events" : "Story";
}

}  // namespace signup
