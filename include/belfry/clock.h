// Time, passed in: the real clocks, or one that a test moves.
#pragma once

#include <atomic>
#include <chrono>

#include "belfry/export.h"

namespace belfry {

using Nanoseconds = std::chrono::nanoseconds;
using SteadyTime = std::chrono::steady_clock::time_point;  // for intervals and deadlines
using WallTime = std::chrono::system_clock::time_point;    // for people and logs

// `time` and `delay` later; the end of time, or its beginning, where that would lie beyond.
inline SteadyTime TimeAfter(SteadyTime time, Nanoseconds delay) {
  SteadyTime::rep sum = 0;
  if (__builtin_add_overflow(time.time_since_epoch().count(), delay.count(), &sum)) {
    return delay > Nanoseconds::zero() ? SteadyTime::max() : SteadyTime::min();
  }
  return SteadyTime(SteadyTime::duration(sum));
}

// Where Belfry reads the time. Deadlines always use the steady one: it never jumps.
//
// Thread safety: any thread. Lifetime: outlives everything it was given to.
// Errors: must not throw.
class BELFRY_EXPORT Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Now() const = 0;
  virtual WallTime WallNow() const = 0;

  // The machine's clocks.
  static const Clock& Real();
};

// A clock that stands still until it is moved. Starts at the epoch of both clocks.
class BELFRY_EXPORT ManualClock final : public Clock {
 public:
  SteadyTime Now() const override;
  WallTime WallNow() const override;
  void Advance(Nanoseconds by);

 private:
  std::atomic<Nanoseconds::rep> elapsed_{0};
};

}  // namespace belfry
