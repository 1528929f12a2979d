// Framings on bytes that a peer may send, against one who has them all at once.
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

#include "io/framing_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string difference = belfry::Difference(
      belfry::PlanFrom(std::string_view(reinterpret_cast<const char*>(data), size)));
  if (difference.empty()) return 0;
  std::cerr << difference << '\n';
  __builtin_trap();
}
