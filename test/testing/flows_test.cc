// That mistakes in flows are found, told shortly, and gone when they are mended.

#include "testing/flows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "belfry/testing/explore.h"

namespace belfry::testing {
namespace {

using Reach = ExploreReport::Reach;

class FlowTest : public ::testing::TestWithParam<Flow> {
 protected:
  static ExploreReport ExploreIt(const ExploreOptions& options, bool mended) {
    return Explore(options, [mended](World& world) { GetParam().run(world, mended); });
  }
};
INSTANTIATE_TEST_SUITE_P(All, FlowTest, ::testing::ValuesIn(Flows()),
                         [](const auto& flow) { return std::string(flow.param.name); });

TEST_P(FlowTest, InTheOrderInWhichThingsAreReadyAllIsWell) {
  World world;
  GetParam().run(world, false);
}

TEST_P(FlowTest, TheMistakeIsFoundAndShortened) {
  const ExploreReport report = ExploreIt({.schedules_max = 10'000}, false);
  ASSERT_FALSE(report.ok()) << report.Describe();
  EXPECT_EQ(report.failure->changes, GetParam().changes) << report.Describe();
}

TEST_P(FlowTest, ByPrioritiesItIsFoundAsWell) {
  const ExploreReport report =
      ExploreIt({.strategy = Strategy::kPct, .schedules_max = 10'000}, false);
  ASSERT_FALSE(report.ok()) << report.Describe();
  EXPECT_EQ(report.failure->changes, GetParam().changes) << report.Describe();
}

TEST_P(FlowTest, ByChanceItIsFoundAsWell) {
  const ExploreReport report =
      ExploreIt({.strategy = Strategy::kRandom, .schedules_max = 10'000}, false);
  ASSERT_FALSE(report.ok()) << report.Describe();
  EXPECT_EQ(report.failure->changes, GetParam().changes) << report.Describe();
}

TEST_P(FlowTest, ItsReplayStringFailsAgain) {
  const ExploreReport report = ExploreIt({}, false);
  ASSERT_FALSE(report.ok());
  ASSERT_EQ(::setenv("BELFRY_REPLAY", report.failure->replay.c_str(), 1), 0);
  const ExploreReport again = ExploreIt({}, false);
  const ExploreReport mended = ExploreIt({}, true);
  ASSERT_EQ(::unsetenv("BELFRY_REPLAY"), 0);
  EXPECT_EQ(again.schedules, 1U);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.failure->what, report.failure->what);
  EXPECT_EQ(again.failure->story, report.failure->story);
  EXPECT_TRUE(mended.ok()) << mended.Describe();
}

TEST_P(FlowTest, MendedItIsWellInEveryOrder) {
  const ExploreReport report = ExploreIt({}, true);
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_EQ(report.reach, Reach::kComplete) << report.Describe();
}

}  // namespace
}  // namespace belfry::testing
