// The atomic type of what public headers and the library share, so that tests may compile both
// against an explorable one. Users need nothing from this header.
#pragma once

#include <atomic>

namespace belfry::sync {

template <class T>
using Atomic = std::atomic<T>;

}  // namespace belfry::sync
