// What all dispatchers of a process share: the table of event types, and the numbers of listeners.
#pragma once

#include <cstdint>

namespace belfry {

// So many numbers never handed out before in this process; returns the first. They start at 1.
// Thread safety: any thread.
std::uint64_t ReserveListenerNumbers(std::uint64_t count);

}  // namespace belfry
