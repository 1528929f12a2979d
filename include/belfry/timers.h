// Who calls back later: what delayed work of a dispatcher is armed with.
#pragma once

#include <functional>

#include "belfry/clock.h"
#include "belfry/export.h"
#include "belfry/timer_queue.h"

namespace belfry {

// Thread safety: any thread, also inside what is called.
// Order: by deadline; equal deadlines in the order in which they were armed.
// Lifetime: outlives whatever arms it.
class BELFRY_EXPORT Timers {
 public:
  Timers() = default;
  virtual ~Timers() = default;
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Calls `due` once, `delay` from now (at once when that is not above zero), on a thread of its
  // own choosing, under no lock and never inside RunAfter. `due` must be quick and must not throw.
  // Throws std::bad_alloc and std::system_error, with nothing armed. At its end it arms nothing and
  // returns no timer.
  virtual TimerId RunAfter(Nanoseconds delay, std::function<void()> due) = 0;

  // Whether the call was still to come, which it is not any more. Does not wait for one that has
  // begun.
  virtual bool Cancel(TimerId timer) = 0;
};

}  // namespace belfry
