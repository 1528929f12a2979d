// What every benchmark publishes.
#pragma once

#include <cstdint>
#include <type_traits>

namespace bench {

struct Event {
  std::uint64_t sequence;
  std::uint64_t amount;
  std::uint64_t account;
  std::uint64_t reference;
};
static_assert(sizeof(Event) == 32 && std::is_trivially_copyable_v<Event>);

inline Event MakeEvent(std::uint64_t sequence) { return Event{sequence, 1, 2, 3}; }

// A listener's state. Each listener has one of its own, and each run checks the sums in the end.
using Counter = std::uint64_t;

}  // namespace bench
