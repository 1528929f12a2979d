// What a loop has to do with time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "belfry/clock.h"
#include "belfry/timer_entry.h"
#include "belfry/timer_queue.h"
#include "loop/callback_timers.h"
#include "loop/timer_wheel.h"

namespace belfry {

// Thread safety: none; its loop's thread.
class LoopTimers {
 public:
  // Keeps `tick`, its loop's, up to date.
  LoopTimers(const Clock& clock, TurnTick& tick);

  // Again after the turn's wait: then it is later.
  void BeginTurn() {
    in_turn_ = true;
    Forget();
  }
  void EndTurn() {
    in_turn_ = false;
    Forget();
  }
  // Inside a turn, its time: the clock's when it was first asked for it. Outside, the clock's now.
  SteadyTime turn_time();

  void Arm(TimerEntry& timer, Nanoseconds delay);
  void Cancel(TimerEntry& timer) { wheel_.Cancel(timer); }

  TimerId RunAfter(Nanoseconds delay, std::function<void()> callback, Nanoseconds period = {},
                   std::uint64_t repetitions = 1);
  bool Cancel(TimerId timer) { return callbacks_.Cancel(timer); }

  // Runs what is due by the turn's time.
  void RunDue() {
    if (!wheel_.empty()) RunTimers();
  }
  bool empty() const { return wheel_.empty(); }
  // When to run it; not empty.
  SteadyTime NextDeadline() const;

 private:
  void RunTimers();
  void Forget() {
    turn_time_.reset();
    tick_.known = false;
  }

  const Clock& clock_;
  TurnTick& tick_;
  bool in_turn_ = false;
  std::optional<SteadyTime> turn_time_;
  TimerWheel wheel_;
  CallbackTimers callbacks_{wheel_};
};

}  // namespace belfry
