// Timers in order of their deadlines. Knows no thread and no clock: its owner brings both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "belfry/clock.h"
#include "belfry/export.h"

namespace belfry {

// Names one timer of one queue. Never used again by that queue. A default TimerId names none.
struct TimerId {
  std::uint64_t number = 0;
  explicit operator bool() const { return number != 0; }
  friend bool operator==(TimerId, TimerId) = default;
};

// Thread safety: none; one thread, or its owner's lock.
// Order: by deadline; equal deadlines in the order in which they were added.
class BELFRY_EXPORT TimerQueue {
 public:
  TimerQueue();
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  static constexpr std::uint64_t kForever = 0;

  // Calls `callback` at `deadline` (at once, at the next RunDue, when that is past), and then every
  // `period`, `repetitions` times in all; kForever: until cancelled. A period of zero with more
  // than one repetition is a bug (aborts). Periods that were missed are skipped, not made up for.
  TimerId Add(SteadyTime deadline, std::function<void()> callback, Nanoseconds period = {},
              std::uint64_t repetitions = 1);

  // False when the timer has already run for the last time, or was cancelled. May be called from
  // any timer's callback, its own included. The callback is destroyed before Cancel returns, its
  // own running one when it returns.
  bool Cancel(TimerId id);

  // Runs what is due at `now`; timers that callbacks add run at the next call. Returns how many
  // ran. What a callback throws leaves the queue intact and passes through.
  std::size_t RunDue(SteadyTime now);

  std::optional<SteadyTime> NextDeadline() const;
  std::size_t size() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
