// What is published in the works with plugins, on both sides of the border.
#pragma once

#include <cstdint>
#include <type_traits>

namespace bench {

inline constexpr char kTickName[] = "bench.tick";

struct Tick {
  std::uint64_t sequence;
  std::uint64_t amount;
  std::uint64_t account;
  std::uint64_t reference;
};
static_assert(sizeof(Tick) == 32 && std::is_trivially_copyable_v<Tick>);

}  // namespace bench
