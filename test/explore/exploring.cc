#include "explore/exploring.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>

namespace belfry::explore {
namespace {

using testing::HasSubstr;

std::uint64_t Number(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

int TestsToRun() { return std::max(1, testing::UnitTest::GetInstance()->test_to_run_count()); }

// A sanitizer looks at one schedule more closely, and at fewer of them; ThreadSanitizer knows the
// rules for memory orders without any store buffers.
Bounds Affordable(Bounds bounds) {
  if (!kSanitized) return bounds;
  if (bounds.preemptions != kUnlimited && bounds.preemptions > 0) --bounds.preemptions;
  bounds.delays = 0;
  return bounds;
}

std::string Counted(unsigned count, const std::string& noun) {
  if (count == kUnlimited) return "any number of " + noun + "s";
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string Told(const Failure& failure) {
  return failure.what + "\nreplay: BELFRY_EXPLORE_REPLAY=" + failure.replay + "\nlast steps:\n" +
         failure.trace;
}

void Print(const Report& report, const std::string& how) {
  std::cout << report.schedules << " schedules, " << how << " (" << report.redundant
            << " of them redundant; " << report.runs << " runs of up to " << report.steps
            << " steps)\n";
}

}  // namespace

void ExpectSafe(const Scenario& scenario, const Bounds& bounds) {
  Report report;
  std::string how;
  if (const char* const replay = std::getenv("BELFRY_EXPLORE_REPLAY"); replay != nullptr) {
    report = Replay(bounds, replay, scenario);
    how = "replayed";
  } else if (const auto seconds = Number("BELFRY_EXPLORE_SECONDS", 0); seconds != 0) {
    const std::uint64_t seed = Number("BELFRY_EXPLORE_SEED", std::random_device()());
    how = "at random from seed " + std::to_string(seed);
    std::cout << how << std::endl;  // in time for a schedule that kills the process
    report = ExploreByChance(bounds, seed, std::chrono::seconds(seconds) / TestsToRun(), scenario);
  } else {
    const Bounds affordable = Affordable(bounds);
    report = Explore(affordable, scenario);
    how = std::string(report.complete ? "complete" : "incomplete") + " with at most " +
          Counted(affordable.preemptions, "preemption") + ", " +
          Counted(affordable.delays, "delayed store");
    EXPECT_TRUE(report.complete || report.failure.has_value())
        << "gave up after " << report.runs << " runs: set its bounds so that it ends";
  }
  Print(report, how);
  if (report.failure.has_value()) ADD_FAILURE() << Told(*report.failure);
}

void ExpectFailure(const std::string& what, const Scenario& scenario, const Bounds& bounds) {
  const Report report = Explore(bounds, scenario);
  ASSERT_TRUE(report.failure.has_value()) << "not found in " << report.schedules << " schedules";
  EXPECT_THAT(report.failure->what, HasSubstr(what)) << Told(*report.failure);
  Print(report, "found \"" + report.failure->replay + "\"");
  const Report replayed = Replay(bounds, report.failure->replay, scenario);
  ASSERT_TRUE(replayed.failure.has_value()) << "not found again: " << Told(*report.failure);
  EXPECT_EQ(replayed.failure->what, report.failure->what);
  EXPECT_EQ(replayed.failure->replay, report.failure->replay);
}

}  // namespace belfry::explore
