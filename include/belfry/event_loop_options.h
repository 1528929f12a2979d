// What a loop may be told when it is made.
//
//   belfry::EventLoop loop({.on_slow = [](const belfry::SlowTurn& turn) {
//     Log(turn.work == belfry::LoopWork::kTimers ? "a timer hangs" : "hangs", turn.running_for);
//   }});
#pragma once

#include <cstdint>
#include <functional>

#include "belfry/clock.h"

namespace belfry {

// What a loop calls.
enum class LoopWork : std::uint8_t {
  kNone,        // nothing: it waits
  kDescriptor,  // readiness of a descriptor
  kTimers,      // the timers that are due, all of them
  kPosted,      // posted work
  kTurnEnd,     // work put off to the turn's end
};

// A turn that goes on and on, while nobody else on the loop has theirs.
struct SlowTurn {
  LoopWork work = LoopWork::kNone;  // what is being called now
  int fd = -1;                      // kDescriptor: whose readiness
  bool one_call = true;             // that has taken all the time; false: one of several
  std::int64_t thread = 0;          // the loop's, as the system shows it
  Nanoseconds running_for{};        // at least; in real time, whatever the loop's clock says
};

struct EventLoopOptions {
  const Clock* clock = nullptr;  // null: the real one; outlives the loop
  // A turn that has been running for that long is told of, once, while it runs, by a thread that
  // looks twice in that time; a callback pays two stores for it. Zero: nobody looks.
  Nanoseconds slow_after = std::chrono::milliseconds(100);
  // Told on the watching thread ("belfry.watch"), under no lock; must not throw, nor destroy the
  // loop. Without it there is no such thread.
  std::function<void(const SlowTurn&)> on_slow{};
};

}  // namespace belfry
