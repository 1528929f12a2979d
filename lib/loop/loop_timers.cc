#include "loop/loop_timers.h"

#include <utility>

#include "loop/ticks.h"

namespace belfry {
namespace {

// Never early: rounded up, unless it is due at once.
TimerWheel::Tick TickAfter(SteadyTime deadline, Nanoseconds delay) {
  return delay > Nanoseconds::zero() ? TickFrom(deadline) : TickAt(deadline);
}

}  // namespace

LoopTimers::LoopTimers(const Clock& clock, TurnTick& tick)
    : clock_(clock), tick_(tick), wheel_(TickAt(clock.Now())) {}

SteadyTime LoopTimers::turn_time() {
  if (!in_turn_) return clock_.Now();
  if (!turn_time_) {
    turn_time_ = clock_.Now();
    tick_ = {.known = true, .milliseconds = static_cast<std::uint32_t>(TickAt(*turn_time_))};
  }
  return *turn_time_;
}

void LoopTimers::Arm(TimerEntry& timer, Nanoseconds delay) {
  const SteadyTime now = turn_time();
  if (wheel_.empty()) wheel_.SkipTo(TickAt(now));
  wheel_.Arm(timer, TickAfter(TimeAfter(now, delay), delay));
}

TimerId LoopTimers::RunAfter(Nanoseconds delay, std::function<void()> callback, Nanoseconds period,
                             std::uint64_t repetitions) {
  const SteadyTime now = clock_.Now();
  if (wheel_.empty()) wheel_.SkipTo(TickAt(now));
  const SteadyTime deadline = TimeAfter(now, delay);
  return callbacks_.Add(TickAfter(deadline, delay), deadline, std::move(callback), period,
                        repetitions);
}

void LoopTimers::RunTimers() { wheel_.RunDue(TickAt(turn_time())); }

SteadyTime LoopTimers::NextDeadline() const { return TimeOf(*wheel_.NextTick()); }

}  // namespace belfry
