// How fast a flow of a user's test is run in one schedule after the other.
#include "belfry/testing/explore.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "benchmark/benchmark.h"

namespace {

using belfry::testing::ExploreOptions;
using belfry::testing::ExploreReport;
using belfry::testing::World;

template <int>
struct Step {
  int number;
};

// Five listeners: one event becomes five, in two branches.
void Branches(World& world, int events) {
  belfry::Dispatcher& dispatcher = world.dispatcher();
  const auto begin = dispatcher.Subscribe([](const Step<0>& step) { return Step<1>{step.number}; },
                                          {.name = "begin"});
  const auto left = dispatcher.Subscribe([](const Step<1>& step) { return Step<2>{step.number}; },
                                         {.name = "left"});
  const auto right = dispatcher.Subscribe([](const Step<1>& step) { return Step<3>{step.number}; },
                                          {.name = "right"});
  int seen = 0;
  const auto end_left = dispatcher.Subscribe([&](const Step<2>&) { ++seen; }, {.name = "end.left"});
  const auto end_right =
      dispatcher.Subscribe([&](const Step<3>&) { ++seen; }, {.name = "end.right"});
  for (int i = 0; i < events; ++i) dispatcher.Publish(Step<0>{i});
  world.Run();
  if (seen != 2 * events) ADD_FAILURE() << seen << " have come to their end";
}

void Flow(benchmark::State& state, int events, std::uint64_t schedules) {
  const ExploreOptions options{.schedules_max = schedules};
  std::uint64_t steps = 0;
  for (auto _ : state) {
    const ExploreReport report = Explore(options, [&](World& world) { Branches(world, events); });
    if (!report.ok()) state.SkipWithError(report.failure->what.c_str());
    steps += report.deliveries;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(schedules));
  state.counters["deliveries_per_second"] =
      benchmark::Counter(static_cast<double>(steps), benchmark::Counter::kIsRate);
}

bool Register(const char* name, int events, std::uint64_t schedules) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) {
    Flow(state, events, schedules);
  })->Unit(benchmark::kMillisecond);
  return true;
}

[[maybe_unused]] const bool registered = Register("explore/3 events/belfry", 3, 10'000) &&
                                         Register("explore/300 events/belfry", 300, 100);

}  // namespace
