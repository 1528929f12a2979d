// Whether this process is a child of fork() since something was made.
#pragma once

#include <cstdint>

#include "sync/sync.h"

namespace belfry::sys {

// Forks are counted from the first call on. Thread safety: any thread.
void CountForks();

extern sync::Atomic<std::uint32_t> fork_generation;

// How many counted forks lie between the process that began to count and the calling one.
// Thread safety: any thread. One relaxed load.
inline std::uint32_t ForkGeneration() { return fork_generation.load(std::memory_order_relaxed); }

}  // namespace belfry::sys
