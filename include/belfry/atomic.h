// What public headers and the library share of synchronisation, so that tests may compile both
// against explorable types. Users need nothing from this header.
#pragma once

#include <atomic>

namespace belfry::sync {

template <class T>
using Atomic = std::atomic<T>;

// Between a store and a later load, where whoever looks at the store has made a heavy barrier (see
// lib/sync/sync.h): nothing but a word to the compiler.
inline void LightBarrier() { std::atomic_signal_fence(std::memory_order_seq_cst); }

}  // namespace belfry::sync
