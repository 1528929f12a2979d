// A timer as the wheel of a loop knows it: what `Timer` is made from, and the loop's own timers.
#pragma once

#include <cstdint>

namespace belfry {

// What a loop knows of the time of its turn.
struct TurnTick {
  bool known = false;
  std::uint32_t milliseconds = 0;  // the lower half
};

// Whatever is to be called derives from this. 20 bytes and 4 that who derives may use.
//
// Thread safety: none; the thread of its loop. Lifetime: armed, it stays where it is.
class TimerEntry {
 public:
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;

 protected:
  // Called when the time has come, armed no more; may arm it again and may destroy it.
  using Due = void (*)(TimerEntry&);

  explicit TimerEntry(Due due) : due_(due) {}
  ~TimerEntry() = default;

  bool in_wheel() const { return place_ != 0; }

 private:
  friend class TimerWheel;

  const Due due_;
  std::uint64_t tick_ = 0;   // when it is due, in milliseconds
  std::uint32_t place_ = 0;  // where the wheel has it; 0: nowhere
};

}  // namespace belfry
