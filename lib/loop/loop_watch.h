// Who tells of a turn that goes on and on.
#pragma once

#include <cstdint>
#include <functional>

#include "belfry/event_loop_options.h"
#include "loop/loop_pulse.h"
#include "sync/sync.h"

namespace belfry {

// A thread that looks at a loop's pulse from time to time and compares what it sees with the look
// before, so that the loop reads no clock for it, and is told of also when it never comes back.
//
// Thread safety: Stop where the loop is destroyed; `owner` is read from the watching thread.
class LoopWatch {
 public:
  // Throws std::system_error if the system refuses the thread.
  LoopWatch(const LoopPulse& pulse, const sync::Atomic<std::int64_t>& owner, Nanoseconds slow_after,
            std::function<void(const SlowTurn&)> on_slow);
  ~LoopWatch();
  LoopWatch(const LoopWatch&) = delete;
  LoopWatch& operator=(const LoopWatch&) = delete;

 private:
  void Run();
  bool AwaitLook();
  void Look();

  const LoopPulse& pulse_;
  const sync::Atomic<std::int64_t>& owner_;
  const Nanoseconds slow_after_;
  const std::function<void(const SlowTurn&)> on_slow_;

  // Of the watching thread: the turn that was seen last.
  LoopPulse::Beat seen_;
  SteadyTime since_{};
  bool one_call_ = true;
  bool told_ = false;

  sync::Mutex mutex_;
  sync::Condition changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  sync::Thread thread_;
};

}  // namespace belfry
