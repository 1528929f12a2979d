// What all dispatchers of a process share: the table of event types, and the numbers of listeners.
#pragma once

#include <cstdint>

namespace belfry {

// A number never handed out before in this process; starts at 1.
// Thread safety: any thread.
std::uint64_t NextListenerNumber();

}  // namespace belfry
