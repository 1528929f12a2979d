// Whether this process is a child of fork() since something was made.
#pragma once

#include <cstdint>

namespace belfry::sys {

// How many forks lie between the first process that called this and the calling one.
// Thread safety: any thread. One relaxed load after the first call.
std::uint32_t ForkGeneration();

}  // namespace belfry::sys
