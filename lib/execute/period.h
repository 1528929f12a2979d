// When a timer that repeats is due again.
#pragma once

#include <cstdint>
#include <limits>

#include "belfry/clock.h"

namespace belfry {

// The first deadline after `now` of those that `period` gives from `deadline` on; `deadline` is
// due. At the end of time it stays there.
inline SteadyTime Following(SteadyTime deadline, Nanoseconds period, SteadyTime now) {
  // Unsigned, since the distance may be longer than a signed count can say.
  const auto late = static_cast<std::uint64_t>(now.time_since_epoch().count()) -
                    static_cast<std::uint64_t>(deadline.time_since_epoch().count());
  const auto length = static_cast<std::uint64_t>(period.count());
  const auto step = static_cast<SteadyTime::rep>(length - late % length);
  SteadyTime::rep next = 0;
  if (__builtin_add_overflow(now.time_since_epoch().count(), step, &next)) {
    next = std::numeric_limits<SteadyTime::rep>::max();
  }
  return SteadyTime(SteadyTime::duration(next));
}

}  // namespace belfry
