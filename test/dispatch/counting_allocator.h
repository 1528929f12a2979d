// The program's allocator, replaced by one that counts, fails on demand, and calls back.
#pragma once

#include <cstdint>

namespace belfry {

// How often `operator new`, in any of its forms, was called so far.
std::uint64_t Allocations();
// What was allocated and not yet given back, of all threads.
std::int64_t LiveBlocks();
std::int64_t LiveBytes();

// Lets this thread's `nth` allocation from now on fail, and only that one; 0: none.
void FailAllocation(std::uint64_t nth);
// Lets that one fail and all that follow, until FailAllocation(0).
void FailAllocationsFrom(std::uint64_t nth);
// Whether it has come to that.
bool AllocationFailed();

// Called by this thread's every allocation, but for those that it makes itself; null: nobody.
void CallFromAllocations(void (*hook)());

}  // namespace belfry
