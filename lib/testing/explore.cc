#include "belfry/testing/explore.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <sstream>
#include <utility>

#include <gtest/gtest-spi.h>

#include "belfry/check.h"
#include "belfry/testing/duration.h"
#include "belfry/testing/story.h"
#include "testing/strategies.h"

namespace belfry::testing {

using Reach = ExploreReport::Reach;
using Scenario = std::function<void(World&)>;
using RealClock = std::chrono::steady_clock;

// Runs one scenario under one schedule after the other.
class Exploration {
 public:
  Exploration(const ExploreOptions& options, const Scenario& scenario)
      : options_(options),
        scenario_(scenario),
        independence_(options.independent, options.independent_of_all),
        begin_(RealClock::now()) {}

  ExploreReport Run();

 private:
  struct Outcome {
    std::string what;  // "" when it was well
    std::string story;
    bool failed() const { return !what.empty(); }
  };

  Outcome RunOnce(NotingChooser& chooser, bool with_story = false);
  ExploreReport Replay(Replayed& replayed);
  void FindAll(std::uint64_t schedules_max);
  bool Search(DepthFirst& search, std::uint64_t schedules_max);
  void FindByChance();
  void Found(const NotingChooser& chooser) { failing_ = chooser.choices(); }
  bool within_budget() const {
    return report_.schedules < options_.schedules_max &&
           RealClock::now() - begin_ < options_.time_max;
  }

  void Shorten();
  bool ShortenOnce();
  bool TryInstead(const Choices& choices);
  void FindShorter();
  ExploreReport Report();

  const ExploreOptions& options_;
  const Scenario& scenario_;
  const Independence independence_;
  const RealClock::time_point begin_;
  ExploreReport report_;
  bool complete_ = false;
  std::uint64_t steps_ = 1;  // of the longest run
  std::optional<Choices> failing_;
};

namespace {

std::string TextOf(const ::testing::TestPartResultArray& results) {
  std::string text;
  for (int i = 0; i < results.size(); ++i) {
    const ::testing::TestPartResult& result = results.GetTestPartResult(i);
    if (!result.failed()) continue;
    if (!text.empty()) text += "\n";
    if (result.file_name() != nullptr) {
      text += std::string(result.file_name()) + ":" + std::to_string(result.line_number()) + ": ";
    }
    text += result.message();
  }
  return text;
}

}  // namespace

// --- One run ---

Exploration::Outcome Exploration::RunOnce(NotingChooser& chooser, bool with_story) {
  chooser.Begin();
  chooser.LimitSteps(options_.steps_max);
  Outcome outcome;
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    World world(options_.world, chooser);
    try {
      scenario_(world);
    } catch (const NotingChooser::TooManySteps&) {
      ADD_FAILURE() << "after " << options_.steps_max << " steps it has not ended";
    } catch (const std::exception& exception) {
      ADD_FAILURE() << "the scenario threw: " << exception.what();
    }
    if (with_story) outcome.story = TellStory(world.record());
  }
  ++report_.schedules;
  report_.deliveries += chooser.steps();
  steps_ = std::max(steps_, chooser.steps());
  outcome.what = TextOf(results);
  return outcome;
}

// --- Many runs ---

ExploreReport Exploration::Run() {
  if (const auto replayed = ReplayOfEnvironment()) return Replay(*replayed);
  switch (options_.strategy) {
    case Strategy::kAll:
      FindAll(options_.schedules_max);
      break;
    case Strategy::kAuto:
      FindAll(options_.schedules_max / 2);
      if (!complete_ && !failing_) FindByChance();
      break;
    case Strategy::kRandom:
    case Strategy::kPct:
      FindByChance();
      break;
  }
  if (failing_) Shorten();
  return Report();
}

// Schedules with one change first: most bugs need no more, and they are few.
void Exploration::FindAll(std::uint64_t schedules_max) {
  for (const std::size_t changes : {std::size_t{1}, std::size_t{2}, DepthFirst::kUnbounded}) {
    const bool bounded = changes != DepthFirst::kUnbounded;
    if (bounded && independence_.any_pairs()) continue;  // who declares that wants few
    DepthFirst search(independence_, changes);
    const bool all = Search(search, bounded ? schedules_max / 4 : schedules_max);
    if (failing_ || (all && !search.cut())) {
      complete_ = !failing_;
      return;
    }
  }
}

// Whether there is nothing left to do for it.
bool Exploration::Search(DepthFirst& search, std::uint64_t schedules_max) {
  do {
    if (!within_budget() || report_.schedules >= schedules_max) return false;
    if (RunOnce(search).failed()) {
      Found(search);
      return false;
    }
    BELFRY_CHECK(
        !search.astray(),
        "the scenario did something else under the same schedule: it depends on real time, "
        "threads, chance, addresses, or what a run before has left behind");
    report_.redundant += search.redundant() ? 1 : 0;
  } while (search.Advance());
  return true;
}

void Exploration::FindByChance() {
  const bool random = options_.strategy == Strategy::kRandom;
  for (std::uint64_t seed = options_.seed; within_budget() && !failing_; ++seed) {
    ByChance plain(seed);
    ByPriority by_priority(seed, options_.depth, steps_);
    NotingChooser& chooser = random ? plain : static_cast<NotingChooser&>(by_priority);
    if (RunOnce(chooser).failed()) Found(chooser);
  }
}

// --- A shorter one ---

// Fewer changes first, then fewer choices up to the last change.
bool Exploration::TryInstead(const Choices& choices) {
  Replayed replayed(choices);
  if (!RunOnce(replayed).failed()) return false;
  const auto size = [](const Choices& some) {
    std::size_t end = some.size();
    while (end > 0 && some[end - 1].chosen == 0) --end;
    return std::pair(ChangesIn(some), end);
  };
  if (size(replayed.choices()) >= size(*failing_)) return false;
  failing_ = replayed.choices();
  return true;
}

bool Exploration::ShortenOnce() {
  for (std::size_t i = failing_->size(); i-- > 0;) {
    if ((*failing_)[i].chosen == 0) continue;
    Choices without = *failing_;
    without[i].chosen = 0;
    if (TryInstead(without)) return true;
  }
  return false;
}

void Exploration::Shorten() {
  while (ShortenOnce()) {
  }
  FindShorter();
}

// There may be one with fewer changes that is not part of this one.
void Exploration::FindShorter() {
  constexpr std::uint64_t kMore = 20'000;
  const std::uint64_t until = report_.schedules + kMore;
  for (std::size_t changes = 0; changes < ChangesIn(*failing_); ++changes) {
    DepthFirst search(independence_, changes);
    do {
      if (report_.schedules >= until) return;
      if (!RunOnce(search).failed()) continue;
      Found(search);
      return;
    } while (search.Advance());
  }
}

// --- What comes of it ---

ExploreReport Exploration::Report() {
  report_.time = RealClock::now() - begin_;
  report_.reach = failing_              ? Reach::kFailed
                  : !complete_          ? Reach::kBudget
                  : independence_.any() ? Reach::kCompleteUnderIndependence
                                        : Reach::kComplete;
  if (!failing_) return report_;
  Replayed replayed(*failing_);
  Outcome outcome = RunOnce(replayed, true);
  BELFRY_CHECK(outcome.failed(), "the scenario did not fail again under the same schedule");
  report_.failure = {std::move(outcome.what), std::move(outcome.story), ReplayText(*failing_),
                     ChangesIn(*failing_), static_cast<std::size_t>(replayed.steps())};
  return report_;
}

ExploreReport Exploration::Replay(Replayed& replayed) {
  Outcome outcome = RunOnce(replayed, true);
  if (!replayed.fits()) std::printf("BELFRY_REPLAY does not fit: some choices are not there\n");
  std::printf("%s", outcome.story.c_str());
  report_.time = RealClock::now() - begin_;
  report_.reach = outcome.failed() ? Reach::kFailed : Reach::kBudget;
  if (outcome.failed()) {
    report_.failure = {std::move(outcome.what), std::move(outcome.story), replayed.text(),
                       ChangesIn(replayed.choices()), static_cast<std::size_t>(replayed.steps())};
  }
  return report_;
}

ExploreReport Explore(const ExploreOptions& options, const Scenario& scenario) {
  return Exploration(options, scenario).Run();
}

std::string ExploreReport::Describe() const {
  std::ostringstream text;
  const auto counts = [&] {
    const double seconds = std::chrono::duration<double>(time).count();
    text << schedules << (schedules == 1 ? " schedule" : " schedules");
    if (redundant > 0) text << " (" << redundant << " redundant)";
    text << ", " << deliveries << (deliveries == 1 ? " step, " : " steps, ") << ShowDuration(time);
    if (seconds > 0) {
      text << ", " << static_cast<std::uint64_t>(static_cast<double>(schedules) / seconds)
           << " schedules/s";
    }
  };
  switch (reach) {
    case Reach::kComplete:
      text << "complete: ";
      break;
    case Reach::kCompleteUnderIndependence:
      text << "complete under declared independence: ";
      break;
    case Reach::kBudget:
      text << "not complete: ";
      break;
    case Reach::kFailed:
      text << "failed: ";
      break;
  }
  counts();
  if (!failure.has_value()) return text.str();
  text << "\n"
       << failure->what << "\n\nThe shortest failing schedule, of " << failure->steps
       << " steps, with " << failure->changes << (failure->changes == 1 ? " change" : " changes")
       << " of the order in which they were ready:\n"
       << failure->story
       << "\nTo run it again: BELFRY_REPLAY=" << (failure->replay.empty() ? "''" : failure->replay)
       << "\n";
  return text.str();
}

void ExpectInEveryOrder(const Scenario& scenario, const ExploreOptions& options, Site site) {
  const ExploreReport report = Explore(options, scenario);
  if (report.ok()) {
    std::printf("[ EXPLORED ] %s\n", report.Describe().c_str());
  } else {
    ADD_FAILURE_AT(site.file, site.line) << report.Describe();
  }
}

}  // namespace belfry::testing
