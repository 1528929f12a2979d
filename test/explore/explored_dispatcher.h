// What the explorations of the dispatcher share. Public headers only: they hold whatever the
// delivery path is made of.
#pragma once

#include <memory>
#include <optional>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "belfry/thread_pool.h"
#include "explore/exploring.h"
#include "sync/sync.h"

namespace belfry::explore {

struct Note {
  int number = 0;
};

// A dispatcher in a time that stands still, and silent.
class Explored {
 public:
  // With a pool of one thread, of its own.
  static DispatcherOptions OnPool() {
    DispatcherOptions options = Silent();
    options.pool = {.threads = 1, .spare_max = 1};
    return options;
  }
  // For inline listeners, or with an executor that the scenario runs.
  static DispatcherOptions On(Executor& executor) {
    DispatcherOptions options = Silent();
    options.executor = &executor;
    return options;
  }
  static DispatcherOptions Synchronous() {
    DispatcherOptions options = Silent();
    options.synchronous = true;
    return options;
  }

 private:
  static DispatcherOptions Silent() {
    static const ManualClock& clock = *new ManualClock;
    DispatcherOptions options;
    options.clock = &clock;
    options.log = [](LogLevel, std::string_view) {};
    return options;
  }
};

inline TypeStats StatsOfNotes(const Dispatcher& dispatcher) {
  for (const TypeStats& type : dispatcher.GetStats().types) {
    if (type.event_type == EventTypeOf<Note>()) return type;
  }
  return {EventTypeOf<Note>()};
}

// On two threads that are over then. Two later ones go on with their counts, so that their first
// publishes find them up to date and take no mutex.
inline void PublishBefore(Dispatcher& dispatcher) {
  const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{1}).ok()); };
  Together({[&] {
    publish();
    Together({publish});
  }});
}

// Nothing is under way: every delivery has ended in one way.
inline DeliveryCounts RequireSettled(const Dispatcher& dispatcher) {
  const DeliveryCounts counts = StatsOfNotes(dispatcher).deliveries;
  EXPLORE_REQUIRE(counts.balanced());
  EXPLORE_REQUIRE(counts.queued == 0 && counts.running == 0);
  return counts;
}

// Whatever is under way ends because of what somebody does: no wait needs its time-out for that.
inline constexpr Bounds kTimeless{.preemptions = 2, .delays = 1, .spurious = 0, .timeouts = 0};
// The same for more threads, or longer ones.
inline constexpr Bounds kTimelessFew{.preemptions = 1, .delays = 1, .spurious = 0, .timeouts = 0};
// Loops that pause may end early, and waits by their time.
inline constexpr Bounds kFew{.preemptions = 1, .delays = 1, .spurious = 0, .timeouts = 1};

inline ListenerOptions Inline() { return {.name = "inline", .run = belfry::Run::kInline}; }
inline ListenerOptions Queued() { return {.name = "queued", .overflow = Overflow::Reject()}; }

}  // namespace belfry::explore
