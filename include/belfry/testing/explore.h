// A test in every order in which its deliveries could have come.
//
//   belfry::testing::ExpectInEveryOrder([](belfry::testing::World& world) {
//     auto wiring = WireShop(world.dispatcher());
//     world.dispatcher().Publish(OrderPlaced{1});
//     world.Run();
//     EXPECT_EQ(wiring->shipped, 1);
//   });
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/site.h"
#include "belfry/testing/world.h"

namespace belfry::testing {

enum class Strategy {
  kAll,     // every schedule, those with few changes of the order first
  kRandom,  // every choice at random
  kPct,     // random priorities that change at `depth` - 1 random steps
  kAuto,    // kAll for half of the budget, if that is not enough kPct
};

struct ExploreOptions {
  Strategy strategy = Strategy::kAuto;
  std::uint64_t schedules_max = 100'000;
  std::chrono::nanoseconds time_max = std::chrono::seconds(60);  // of real time
  std::uint64_t seed = 1;
  // Of kPct: of a bug that needs so many steps in a certain order, each schedule finds it with a
  // probability of at least 1 / (n * k^(depth - 1)), with n listeners and timers and k steps
  // (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic
  // Guarantees of Finding Bugs, ASPLOS 2010).
  unsigned depth = 3;
  // Names of listeners whose order among each other makes no difference: not even through what they
  // publish, or through what they share behind the dispatcher's back. One order is tried for them.
  // An operation stands here as in RunReport::waiting: "the read of welcome.txt".
  std::vector<std::pair<std::string, std::string>> independent{};
  // Those that are so to all others, whenever they come: who only looks on, for instance, or who
  // needs nothing but the event and is the only one to publish what it publishes. They cost least.
  std::vector<std::string> independent_of_all{};
  std::uint64_t steps_max = 10'000;  // of one schedule: more is a failure
  WorldOptions world{};
};

struct BELFRY_EXPORT ExploreReport {
  enum class Reach {
    kComplete,                   // every order
    kCompleteUnderIndependence,  // every order, if the declared pairs are independent
    kBudget,                     // the budget is used up
    kFailed,
  };
  Reach reach{};
  std::uint64_t schedules = 0;
  std::uint64_t redundant = 0;  // of these: another order of independent steps
  std::uint64_t deliveries = 0;
  std::chrono::nanoseconds time{};
  // Of the shortest failing schedule that was found.
  struct Failure {
    std::string what;         // what the test said
    std::string story;        // what happened, and when
    std::string replay;       // BELFRY_REPLAY=...
    std::size_t changes = 0;  // how often it did not take the step that was ready first
    std::size_t steps = 0;
  };
  std::optional<Failure> failure{};

  bool ok() const { return !failure.has_value(); }
  // For people: "complete: 24 schedules, ..." or the failure.
  std::string Describe() const;
};

// Runs the scenario again and again, each time in a new world and under another schedule, until it
// has failed (by a failed expectation, an exception, or what its world does not tolerate), all
// schedules are done, or the budget is used up. What fails is shortened. With BELFRY_REPLAY in the
// environment it runs that schedule alone, and prints its story.
//
// A scenario's outcome depends on its schedule only: not on real time, threads, chance, addresses,
// or what a run before has left behind; one that does otherwise is told to.
//
// Thread safety: one at a time.
BELFRY_EXPORT ExploreReport Explore(const ExploreOptions& options,
                                    const std::function<void(World& world)>& scenario);

// The same as an expectation: the test fails where this stands, with what went wrong and how to see
// it again. How far it came is printed.
BELFRY_EXPORT void ExpectInEveryOrder(const std::function<void(World& world)>& scenario,
                                      const ExploreOptions& options = {}, Site site = Site::Here());

}  // namespace belfry::testing
