// What the explorer leaves out makes no difference: small programs, made at random, have the same
// outcomes with and without its reductions.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "explore/exploring.h"
#include "sync/sync.h"

namespace belfry::explore {
namespace {

enum class Action { kLoad, kStore, kStrongStore, kAdd, kExchange, kLocked, kWait, kNotify, kYield };

struct Instruction {
  Action action;
  int object;
};
using Program = std::vector<std::vector<Instruction>>;  // of each thread

Program RandomProgram(std::mt19937& random, const std::vector<Action>& actions) {
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random()) % end; };
  Program program(2 + below(2));
  for (auto& thread : program) {
    thread.resize(1 + below(program.size() == 2 ? 4 : 2));
    for (Instruction& instruction : thread) {
      instruction = {actions[below(actions.size())], static_cast<int>(below(2))};
    }
  }
  return program;
}

// What a run of a program works on, and what each thread saw.
struct World {
  sync::Atomic<int> atomics[2]{};
  sync::Mutex mutexes[2];
  sync::Condition conditions[2];
  int guarded[2]{};
  std::vector<std::string> seen;
};

void Perform(World& world, const Instruction& instruction, int number, std::string& seen) {
  const int i = instruction.object;
  sync::Atomic<int>& atomic = world.atomics[i];
  const auto see = [&](int value) { seen += std::to_string(value) + ","; };
  switch (instruction.action) {
    case Action::kLoad:
      return see(atomic.load());
    case Action::kStore:
      return atomic.store(number, std::memory_order_release);
    case Action::kStrongStore:
      return atomic.store(number);
    case Action::kAdd:
      return see(atomic.fetch_add(100));
    case Action::kExchange:
      return see(atomic.exchange(number));
    case Action::kYield:
      return sync::Yield();
    case Action::kNotify:
      return world.conditions[i].NotifyOne();
    case Action::kLocked: {
      const sync::Lock lock(world.mutexes[i]);
      world.guarded[i] = world.guarded[i] * 2 + number;
      return see(world.guarded[i]);
    }
    case Action::kWait: {
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
      const sync::Lock lock(world.mutexes[i]);
      return see(world.conditions[i].WaitUntil(world.mutexes[i], deadline) ? 1 : 0);
    }
  }
}

std::set<std::string> Outcomes(const Program& program, const Bounds& bounds,
                               std::uint64_t& schedules) {
  std::set<std::string> outcomes;
  const Report report = Explore(bounds, [&] {
    World world;
    world.seen.resize(program.size());
    std::vector<std::function<void()>> bodies;
    for (std::size_t t = 0; t < program.size(); ++t) {
      bodies.emplace_back([&world, &program, t] {
        int number = static_cast<int>(t) * 10;
        for (const Instruction& instruction : program[t]) {
          Perform(world, instruction, ++number, world.seen[t]);
        }
      });
    }
    Together(bodies);
    std::string outcome;
    for (const std::string& seen : world.seen) outcome += seen + " ";
    for (sync::Atomic<int>& atomic : world.atomics) outcome += std::to_string(atomic.load()) + " ";
    outcomes.insert(outcome);
  });
  EXPECT_TRUE(report.complete) << report.failure.value_or(Failure{}).what;
  schedules += report.schedules;
  return outcomes;
}

void ExpectSameOutcomes(unsigned seed, int programs, const std::vector<Action>& actions,
                        Bounds bounds) {
  std::mt19937 random(seed);
  std::uint64_t all = 0;
  std::uint64_t reduced = 0;
  std::size_t outcomes = 0;
  if (kSanitized) programs /= 4;
  for (int i = 0; i < programs && !testing::Test::HasFailure(); ++i) {
    const Program program = RandomProgram(random, actions);
    bounds.preemptions = static_cast<unsigned>(random()) % 4;
    bounds.reduce = false;
    const std::set<std::string> expected = Outcomes(program, bounds, all);
    bounds.reduce = true;
    EXPECT_EQ(Outcomes(program, bounds, reduced), expected)
        << "program " << i << ", " << bounds.preemptions << " preemptions";
    outcomes += expected.size();
  }
  std::cout << programs << " programs: " << outcomes << " outcomes in " << all << " schedules, in "
            << reduced << " with reductions\n";
}

TEST(ReductionTest, OfAtomicsInSequentialConsistency) {
  ExpectSameOutcomes(1, 60, {Action::kLoad, Action::kStore, Action::kAdd, Action::kExchange},
                     {.delays = 0});
}

TEST(ReductionTest, OfAtomicsInTso) {
  ExpectSameOutcomes(2, 40, {Action::kLoad, Action::kLoad, Action::kStore, Action::kStrongStore},
                     {.delays = 1});
  ExpectSameOutcomes(3, 20, {Action::kLoad, Action::kLoad, Action::kStore, Action::kAdd},
                     {.delays = 2});
}

TEST(ReductionTest, OfMutexesAndConditions) {
  ExpectSameOutcomes(4, 30,
                     {Action::kLoad, Action::kStore, Action::kLocked, Action::kWait,
                      Action::kNotify, Action::kYield},
                     {.delays = 1, .spurious = 1, .timeouts = 1});
}

}  // namespace
}  // namespace belfry::explore
