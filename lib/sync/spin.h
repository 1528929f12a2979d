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

// Holds, for a block, a mutex that everyone holds for a few instructions only: looks again before
// it sleeps, since to sleep and be woken takes both sides a hundred times as long.
class ABSL_SCOPED_LOCKABLE ShortLock {
 public:
  explicit ShortLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    Acquire(mutex);
  }
  ~ShortLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  ShortLock(const ShortLock&) = delete;
  ShortLock& operator=(const ShortLock&) = delete;

 private:
  static void Acquire(Mutex& mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    constexpr int kLooks = 100;
    for (int i = 0; i < kLooks; ++i) {
      if (mutex.TryLock()) return;
      Pause();
    }
    mutex.Lock();
  }

  Mutex& mutex_;
};

}  // namespace belfry::sync
