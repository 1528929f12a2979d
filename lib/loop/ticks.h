// The ticks of a loop's timers: milliseconds of the steady clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "belfry/clock.h"

namespace belfry {

inline constexpr std::uint64_t kNanosecondsPerTick = 1'000'000;

// The last tick that has begun at `time`; 0 before the epoch.
inline std::uint64_t TickAt(SteadyTime time) {
  const SteadyTime::rep since = time.time_since_epoch().count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since) / kNanosecondsPerTick;
}

// The first tick that does not begin before `time`.
inline std::uint64_t TickFrom(SteadyTime time) {
  const SteadyTime::rep since = time.time_since_epoch().count();
  return since <= 0 ? 0 : (static_cast<std::uint64_t>(since) - 1) / kNanosecondsPerTick + 1;
}

// When a tick begins; the end of time, if that lies beyond.
inline SteadyTime TimeOf(std::uint64_t tick) {
  constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<SteadyTime::rep>::max());
  const std::uint64_t since =
      tick > kLast / kNanosecondsPerTick ? kLast : tick * kNanosecondsPerTick;
  return SteadyTime(Nanoseconds(static_cast<Nanoseconds::rep>(since)));
}

}  // namespace belfry
