// The program's allocator, replaced by one that counts, and fails on demand.
#pragma once

#include <cstdint>

namespace belfry {

// How often `operator new`, in any of its forms, was called so far.
std::uint64_t Allocations();

// Lets this thread's `nth` allocation from now on fail, and only that one; 0: none.
void FailAllocation(std::uint64_t nth);
// Whether it has come to that.
bool AllocationFailed();

}  // namespace belfry
