// A timer that is a member of what it calls: 32 bytes, made for time-outs that are armed again with
// every message.
//
//   class Session {
//    public:
//     explicit Session(belfry::EventLoop& loop)
//         : idle_(loop, *this, [](Session& session) { session.Close(); }) {}
//     void OnMessage() { idle_.Arm(std::chrono::milliseconds(20)); }
//     void Close() { open_ = false; }
//     bool open() const { return open_; }
//
//    private:
//     bool open_ = true;
//     belfry::Timer idle_;
//   };
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

#include "belfry/check.h"
#include "belfry/clock.h"
#include "belfry/event_loop.h"
#include "belfry/timer_entry.h"

namespace belfry {

// Calls its owner once, a while after it was armed.
//
// Thread safety: none; the thread of the loop, see EventLoop.
// Time: a delay counts from the loop's turn_time(), so arming reads no clock. Never early. Late by
// less than two milliseconds (the deadline and the wait are each rounded up to one), and by what
// the loop does meanwhile. A delay that is not above zero ends with the timers that run next; one
// beyond the end of time never.
// Order: by deadline, in milliseconds; in the same one, in the order in which they were armed. But
// a timer that was put off, by arming it for later while it was armed, has no place in that order:
// it may come before or after the others of its millisecond. Cancel first to come last.
// Lifetime: the loop outlives it. Destroying it cancels it.
// Blocking: never.
// Errors: what the call throws passes through the loop's Run.
class BELFRY_EXPORT Timer final : private TimerEntry {
 public:
  // Calls `call(owner)` when it is due. A timer is a member of its owner, and its call a lambda
  // that captures nothing: all else is a bug (aborts, or does not compile).
  template <class Owner, std::invocable<Owner&> Call>
  requires std::is_empty_v<Call> && std::is_default_constructible_v<Call> Timer(EventLoop& loop,
                                                                                Owner& owner,
                                                                                Call /*call*/)
      : TimerEntry([](TimerEntry& timer) { Call()(static_cast<Timer&>(timer).As<Owner>()); }),
        offset_(OffsetIn(std::addressof(owner), sizeof(Owner))),
        loop_(loop) {}
  ~Timer() { Cancel(); }

  // Armed already, it is due at the new time instead. To put it off costs a few nanoseconds.
  // Throws std::bad_alloc, with nothing changed; never when it is put off.
  void Arm(Nanoseconds delay) { loop_.ArmTimer(*this, delay); }

  // No call after this.
  void Cancel() {
    if (armed()) loop_.CancelTimer(*this);
  }

  // Not any more when it is called.
  bool armed() const { return in_wheel(); }

 private:
  std::uint32_t OffsetIn(const void* owner, std::size_t size) const {
    const std::size_t offset =
        reinterpret_cast<std::uintptr_t>(this) - reinterpret_cast<std::uintptr_t>(owner);
    BELFRY_CHECK(offset < size && offset <= std::numeric_limits<std::uint32_t>::max(),
                 "a timer has to be a member of its owner");
    return static_cast<std::uint32_t>(offset);
  }

  template <class Owner>
  Owner& As() {
    void* const owner = reinterpret_cast<std::byte*>(this) - offset_;
    return *static_cast<Owner*>(owner);
  }

  const std::uint32_t offset_;  // from the owner's beginning
  EventLoop& loop_;
};

static_assert(sizeof(void*) != 8 || sizeof(Timer) == 32);

}  // namespace belfry
