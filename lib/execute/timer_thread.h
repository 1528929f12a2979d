// Timers with a thread of their own.
#pragma once

#include <functional>

#include "belfry/timers.h"
#include "execute/due_timers.h"
#include "sync/sync.h"

namespace belfry {

// The thread starts with the first timer that is armed. Goes by the real clock.
//
// Thread safety: any thread; Stop not on its own.
class TimerThread final : public Timers {
 public:
  TimerThread() = default;
  ~TimerThread() override { Stop(); }

  TimerId RunAfter(Nanoseconds delay, std::function<void()> due) override;
  bool Cancel(TimerId timer) override;
  // Waits for a call that has begun. From then on nothing is called, and what is armed is let go.
  void Stop();

 private:
  void Start();
  void Run();

  sync::Mutex mutex_;
  sync::Condition changed_;
  DueTimers timers_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  sync::Atomic<bool> started_{false};
  sync::Mutex starting_;  // before the other one
  sync::Thread thread_ ABSL_GUARDED_BY(starting_);
};

}  // namespace belfry
