#include "loop/callback_timers.h"

#include <utility>

#include "belfry/check.h"
#include "execute/period.h"
#include "loop/ticks.h"

namespace belfry {

// While it runs, the callback of a timer that will run again is not in its slot; it comes back in
// the end, unless the timer was cancelled meanwhile.
class CallbackTimers::Lent {
 public:
  explicit Lent(Slot& slot) : slot_(slot), generation_(slot.generation) {
    callback_.swap(slot.callback);
  }
  ~Lent() {
    if (slot_.generation == generation_) callback_.swap(slot_.callback);
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  void Call() const { callback_(); }

 private:
  Slot& slot_;
  const std::uint32_t generation_;
  std::function<void()> callback_;
};

TimerId CallbackTimers::Add(TimerWheel::Tick tick, SteadyTime deadline,
                            std::function<void()> callback, Nanoseconds period,
                            std::uint64_t repetitions) {
  BELFRY_CHECK(callback, "a timer needs a callback");
  BELFRY_CHECK(repetitions == 1 || period > Nanoseconds::zero(),
               "a timer that repeats needs a period above zero");
  Slot& slot = FreeSlot();
  wheel_.Arm(slot, tick);
  free_ = slot.next_free;
  slot.callback.swap(callback);
  slot.deadline = deadline;
  slot.period = period;
  slot.repetitions = repetitions;
  return TimerId{std::uint64_t{slot.generation} << 32 | slot.index};
}

bool CallbackTimers::Cancel(TimerId id) {
  const auto index = static_cast<std::uint32_t>(id.number);
  if (index >= slots_.size() || slots_[index].generation != id.number >> 32) return false;
  Slot& slot = slots_[index];
  std::function<void()> callback;  // its destructor may call us: it goes last
  callback.swap(slot.callback);
  wheel_.Cancel(slot);
  Free(slot);
  return true;
}

void CallbackTimers::Due(TimerEntry& timer) {
  Slot& slot = static_cast<Slot&>(timer);
  slot.timers.Call(slot);
}

void CallbackTimers::Call(Slot& slot) {
  if (slot.repetitions == 1) {
    std::function<void()> callback;
    callback.swap(slot.callback);
    Free(slot);
    callback();
    return;
  }
  slot.deadline = Following(slot.deadline, slot.period, TimeOf(wheel_.now()));
  wheel_.Arm(slot, TickFrom(slot.deadline));
  if (slot.repetitions != TimerQueue::kForever) --slot.repetitions;
  const Lent lent(slot);
  lent.Call();
}

// The first of those that are free, which there is one of now.
CallbackTimers::Slot& CallbackTimers::FreeSlot() {
  if (free_ == kNone) {
    const auto index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back(*this, index);
    free_ = index;
  }
  return slots_[free_];
}

// Ends the slot's use, and its id. After four billion of them it is not used again.
void CallbackTimers::Free(Slot& slot) {
  if (++slot.generation != 0) slot.next_free = std::exchange(free_, slot.index);
}

}  // namespace belfry
