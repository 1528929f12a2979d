// The program's allocator, replaced by one that counts.
#pragma once

#include <cstdint>

namespace belfry {

// How often `operator new`, in any of its forms, was called so far.
std::uint64_t Allocations();

}  // namespace belfry
