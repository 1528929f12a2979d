// The watcher: who tells of deliveries that go on and on, while the dispatcher works.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "belfry/clock.h"
#include "belfry/timers.h"
#include "dispatch/running_call.h"
#include "sync/sync.h"

namespace belfry {

class DispatcherCore;
class Topic;
struct ListedListener;

// Looks at all frames from time to time and compares what it sees with the look before, so that a
// delivery does nothing for it. Who is in a frame it asks only when the same is there again.
//
// Thread safety: any thread. Keeps nothing alive, and outlives no Stop of its dispatcher.
class SlowWatch final : public std::enable_shared_from_this<SlowWatch> {
 public:
  SlowWatch(DispatcherCore& core, Timers& timers, Nanoseconds slow_after);

  // Throws std::bad_alloc and std::system_error.
  void Arm();
  // From now on it does not look; waits for a look of another thread.
  void Stop();
  // Whether the calling thread is in a look.
  bool LooksHere() const;

 private:
  struct Seen {
    RunningCall call;
    SteadyTime since;
    std::uint64_t started = 0;  // see ListedListener
    bool told = false;
  };
  class Turn;

  void Look();
  void LookAtAll();
  bool FindAgain(SteadyTime now);
  void Judge(Seen& seen, const Topic& topic, const ListedListener& listener, SteadyTime now);

  DispatcherCore& core_;
  Timers& timers_;
  const Nanoseconds slow_after_;
  const Nanoseconds period_;
  std::vector<Seen> seen_;  // of who looks

  mutable sync::Mutex mutex_;
  sync::Condition ended_;
  TimerId timer_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  sync::Thread::id looker_ ABSL_GUARDED_BY(mutex_);  // none: nobody looks
};

}  // namespace belfry
