// The timers of a loop that keep what they call, and have an id.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "belfry/clock.h"
#include "belfry/timer_queue.h"
#include "loop/timer_wheel.h"

namespace belfry {

// A callback lies in a slot; an id is a slot's index and the generation of its use. Slots are used
// again, and kept until the end.
//
// Thread safety: none; its loop's thread.
class CallbackTimers {
 public:
  explicit CallbackTimers(TimerWheel& wheel) : wheel_(wheel) {}
  CallbackTimers(const CallbackTimers&) = delete;
  CallbackTimers& operator=(const CallbackTimers&) = delete;

  // As TimerQueue, but for the order. `tick` is that of `deadline`, from which periods count.
  // Throws std::bad_alloc, with nothing armed.
  TimerId Add(TimerWheel::Tick tick, SteadyTime deadline, std::function<void()> callback,
              Nanoseconds period, std::uint64_t repetitions);
  bool Cancel(TimerId id);

 private:
  struct Slot;
  class Lent;

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  static void Due(TimerEntry& timer);
  void Call(Slot& slot);
  Slot& FreeSlot();
  void Free(Slot& slot);

  TimerWheel& wheel_;
  std::deque<Slot> slots_;
  std::uint32_t free_ = kNone;
};

struct CallbackTimers::Slot : TimerEntry {
  Slot(CallbackTimers& owner, std::uint32_t number)
      : TimerEntry(&CallbackTimers::Due), index(number), timers(owner) {}

  const std::uint32_t index;
  std::uint32_t generation = 1;
  std::uint32_t next_free = kNone;
  CallbackTimers& timers;
  std::function<void()> callback;  // elsewhere while it runs
  SteadyTime deadline{};
  Nanoseconds period{};
  std::uint64_t repetitions = 0;
};

}  // namespace belfry
