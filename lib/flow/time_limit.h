// How long something may take that is waited for.
#pragma once

#include <functional>
#include <optional>

#include "belfry/clock.h"
#include "belfry/timers.h"
#include "sync/sync.h"

namespace belfry {

// A timer that is armed once, if at all.
//
// Thread safety: any thread may end it, also before it is armed.
class TimeLimit {
 public:
  // Calls `due` when the time is up. Throws what Timers::RunAfter throws.
  void Begin(Timers& timers, Nanoseconds delay, std::function<void()> due) {
    const TimerId timer = timers.RunAfter(delay, std::move(due));
    {
      const sync::Lock lock(mutex_);
      if (!over_) {
        timers_ = &timers;
        timer_ = timer;
        return;
      }
    }
    timers.Cancel(timer);
  }

  // It was in time.
  void End() {
    Timers* timers = nullptr;
    {
      const sync::Lock lock(mutex_);
      over_ = true;
      timers = std::exchange(timers_, nullptr);
    }
    if (timers != nullptr) timers->Cancel(timer_);
  }

 private:
  sync::Mutex mutex_;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  Timers* timers_ ABSL_GUARDED_BY(mutex_) = nullptr;
  TimerId timer_;  // written before timers_ is set, read after it was taken
};

}  // namespace belfry
