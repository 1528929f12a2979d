#include "explore/explorer.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <memory>
#include <thread>

#include "explore/fresh.h"
#include "explore/last_words.h"
#include "explore/quiet.h"
#include "explore/run.h"

extern "C" {
// Asked by LeakSanitizer before it looks for leaks.
[[gnu::visibility("default")]] int __lsan_is_turned_off();
}

namespace belfry::explore {
namespace {

// All threads of a run on one processor: they take turns anyway, and a hand-over costs least there.
class OneProcessor {
 public:
  OneProcessor() {
    const int processor = ::sched_getcpu();
    changed_ = processor >= 0 && ::sched_getaffinity(0, sizeof(before_), &before_) == 0;
    if (!changed_) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(processor), &one);
    changed_ = ::sched_setaffinity(0, sizeof(one), &one) == 0;
  }
  ~OneProcessor() {
    if (changed_) ::sched_setaffinity(0, sizeof(before_), &before_);
  }
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

 private:
  cpu_set_t before_{};
  bool changed_ = false;
};

// Their threads still stand in them.
std::list<std::unique_ptr<Run>>& FailedRuns() {
  static auto& runs = *new std::list<std::unique_ptr<Run>>;
  return runs;
}

// What the runs of an exploration share.
class Exploration {
 public:
  Exploration(const Bounds& bounds, const Scenario& scenario)
      : bounds_(bounds), scenario_(scenario) {}

  // False when it failed.
  bool Once(Strategy& strategy, const Bounds& bounds, Report& report) {
    StartAfresh();
    auto run = std::make_unique<Run>(strategy, bounds);
    const LastWords last_words(*run);
    const Failure* const failure = run->Execute(scenario_);
    const Quiet quiet;
    ++report.runs;
    report.steps = std::max(report.steps, run->steps());
    if (failure == nullptr) {
      strategy.Learn(run->touches(), run->objects());
      return true;
    }
    report.failure = *failure;
    FailedRuns().push_back(std::move(run));
    return false;
  }

  // Whatever is made once in a process is made here, before anything is compared.
  bool WarmUp(Report& report) {
    Plain plain;
    return Once(plain, bounds_, report);
  }

  // All schedules within the bounds. False when it failed or gave up.
  bool All(const Bounds& bounds, Report& report) {
    DepthFirst strategy;
    report.schedules = 0;
    do {
      if (report.runs >= bounds.schedules) return false;
      ++report.schedules;
      if (!Once(strategy, bounds, report)) return false;
    } while (strategy.Next());
    report.redundant = strategy.redundant_runs();
    return true;
  }

 private:
  const Bounds bounds_;
  const Scenario& scenario_;
  const OneProcessor one_processor_;
};

Bounds Unbounded(Bounds bounds) {
  bounds.preemptions = kUnlimited;
  if (bounds.spurious != 0) bounds.spurious = kUnlimited;
  if (bounds.delays != 0) bounds.delays = kUnlimited;
  if (bounds.timeouts != 0) bounds.timeouts = kUnlimited;
  return bounds;
}

}  // namespace

Report Explore(const Bounds& bounds, const Scenario& scenario) {
  Report report;
  Exploration exploration(bounds, scenario);
  if (!exploration.WarmUp(report)) return report;
  Bounds fewer = bounds;
  if (bounds.preemptions != kUnlimited) fewer.preemptions = 0;
  while (exploration.All(fewer, report)) {
    if (fewer.preemptions == bounds.preemptions) {
      report.complete = true;
      break;
    }
    ++fewer.preemptions;
  }
  return report;
}

Report ExploreByChance(const Bounds& bounds, std::uint64_t seed, std::chrono::nanoseconds time,
                       const Scenario& scenario) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  Report report;
  Exploration exploration(bounds, scenario);
  if (!exploration.WarmUp(report)) return report;
  const Bounds unbounded = Unbounded(bounds);
  while (report.schedules < bounds.schedules && std::chrono::steady_clock::now() < deadline) {
    ByChance strategy(seed + report.schedules, report.steps);
    ++report.schedules;
    if (!exploration.Once(strategy, unbounded, report)) break;
  }
  return report;
}

Report Replay(const Bounds& bounds, std::string_view replay, const Scenario& scenario) {
  Report report;
  Replayed strategy(replay);
  if (!strategy.understood()) {
    report.failure = {"not a replay string: " + std::string(replay), {}, {}};
    return report;
  }
  Exploration exploration(bounds, scenario);
  if (!exploration.WarmUp(report)) return report;
  report.schedules = 1;
  if (exploration.Once(strategy, Unbounded(bounds), report) && !strategy.used_up()) {
    report.failure = {"the replay string is of another scenario", {}, {}};
  }
  return report;
}

void Together(const std::vector<std::function<void()>>& bodies, Where where) {
  Run& run = *Run::Current();
  std::vector<const ThreadOfRun*> joined;
  std::vector<std::thread> threads;
  for (const auto& body : bodies) {
    ThreadOfRun& thread = run.NewThread(where);
    joined.push_back(&thread);
    threads.emplace_back([&run, &thread, &body] { run.Live(thread, body); });
    thread.to_join = threads.back().native_handle();
  }
  run.Join(std::move(joined), where);
  for (std::thread& thread : threads) thread.join();
}

bool AnyRunFailed() { return !FailedRuns().empty(); }

void FailRun(const std::string& what, Where where) {
  Run* const run = Run::Current();
  const std::string text = what + " (" + ToString(where) + ")";
  if (run != nullptr) run->Fail(text);
  std::fprintf(stderr, "outside of an exploration: %s\n", text.c_str());
  std::abort();
}

}  // namespace belfry::explore

// The threads of a failed run never give back what they have.
int __lsan_is_turned_off() { return belfry::explore::AnyRunFailed() ? 1 : 0; }
