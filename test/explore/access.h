// What the threads of a run do to its objects, and which of that could as well have happened in
// another order.
//
// Whether another thread gets its turn before or after a step makes no difference to anybody unless
// somebody else touches the step's object in a conflicting way afterwards, in this run or in one
// that begins alike: only then there is something to decide before the step. Nor if both hold the
// same mutex: then what counts is who took that first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace belfry::explore {

inline constexpr unsigned kThreadsMax = 16;

enum class Access : std::uint8_t {
  kRead,
  kWrite,    // conflicts with every other one
  kTry,      // to take a mutex, without waiting: a write, and its release conflicts too
  kRelease,  // of a mutex: whoever else wants it waits, so that only its end conflicts
  kEnd,      // the object is destroyed
};
inline constexpr std::size_t kAccesses = 5;

inline bool Conflict(Access a, Access b) {
  if (a == Access::kEnd || b == Access::kEnd) return true;
  if (a == Access::kRelease || b == Access::kRelease) {
    return a == Access::kTry || b == Access::kTry;
  }
  return a != Access::kRead || b != Access::kRead;
}

// One thread's step on one object.
struct Touch {
  std::uint32_t object = 0;  // its number in the run; 0: none, and the step always matters
  std::uint8_t thread = 0;
  Access access = Access::kWrite;
  std::uint64_t held = 0;  // bits of the mutexes that the thread held
};

struct TouchAt {
  std::uint64_t step;
  Touch touch;
};

// All that was done to one object: by whom, and which mutexes he held each time.
class Touches {
 public:
  void Add(const Touch& touch) {
    const auto access = static_cast<std::size_t>(touch.access);
    const std::uint32_t bit = std::uint32_t{1} << touch.thread;
    std::uint64_t& held = held_[access];
    held = threads_[access] == 0 ? touch.held : held & touch.held;
    threads_[access] |= bit;
  }
  // Whether some of it conflicts with `touch`, and could have come on its other side.
  bool ConflictWith(const Touch& touch) const {
    const std::uint32_t own = std::uint32_t{1} << touch.thread;
    for (std::size_t access = 0; access < kAccesses; ++access) {
      if ((threads_[access] & ~own) != 0 && (held_[access] & touch.held) == 0 &&
          Conflict(touch.access, static_cast<Access>(access))) {
        return true;
      }
    }
    return false;
  }

 private:
  std::array<std::uint32_t, kAccesses> threads_{};
  std::array<std::uint64_t, kAccesses> held_{};
};

}  // namespace belfry::explore
