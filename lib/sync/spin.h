// Looking for what another thread brings, without sleeping.
#pragma once

#include "belfry/clock.h"
#include "sync/sync.h"

namespace belfry::sync {

// Calls `look` until it returns true, or for about as long as `limit`. Keeps a processor busy; the
// clock is read once for many looks.
template <class Look>
void SpinFor(Nanoseconds limit, Look look) {
  const SteadyTime until = TimeAfter(Clock::Real().Now(), limit);
  constexpr int kLooks = 64;  // for every one at the clock
  do {
    for (int i = 0; i < kLooks; ++i) {
      if (look()) return;
      Pause();
    }
  } while (Clock::Real().Now() < until);
}

}  // namespace belfry::sync
