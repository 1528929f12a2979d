// The floors: the least that calling N listeners can cost.
//
// FloorTable is an array of {function pointer, state}. CallUnsafe is nothing but the loop over it;
// CallGuarded adds the cheapest form of what makes it safe to unsubscribe on another thread and to
// survive a listener that throws. Neither has subscriptions: tables are filled before the run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

namespace bench {

// One listener: the callable itself is its state, so that no pointer is followed to it.
template <class E>
struct FloorEntry {
  template <class F>
  explicit FloorEntry(F listener)
      : call([](const void* self, const E& event) {
          (*std::launder(static_cast<const F*>(self)))(event);
        }) {
    static_assert(sizeof(F) <= sizeof(state) && std::is_trivially_copyable_v<F>);
    ::new (static_cast<void*>(state)) F(listener);
  }
  FloorEntry(const FloorEntry& other) : call(other.call), live(other.live.load()) {
    for (std::size_t i = 0; i < sizeof(state); ++i) state[i] = other.state[i];
  }
  FloorEntry& operator=(const FloorEntry&) = delete;

  void (*call)(const void* state, const E& event);
  std::atomic<bool> live{true};
  alignas(8) std::byte state[16];
};

template <class E>
using FloorTable = std::vector<FloorEntry<E>>;

// Tells those who would take a table away that this thread may be reading one.
struct alignas(64) ReaderMark {
  std::atomic<std::uint64_t> epoch{0};
};
inline constinit thread_local ReaderMark reader_mark;
inline constinit std::atomic<std::uint64_t> floor_epoch{1};
inline constinit std::atomic<std::uint64_t> floor_failures{0};

template <class E>
void CallUnsafe(const FloorTable<E>& table, const E& event) {
  for (const FloorEntry<E>& entry : table) entry.call(entry.state, event);
}

// `current` points to a FloorTable<E>.
template <class E>
void CallGuarded(const std::atomic<const void*>& current, const E& event) {
  reader_mark.epoch.store(floor_epoch.load(std::memory_order_relaxed), std::memory_order_seq_cst);
  const void* table_now = current.load(std::memory_order_acquire);
  const FloorTable<E>& table = *static_cast<const FloorTable<E>*>(table_now);
  for (const FloorEntry<E>& entry : table) {
    if (!entry.live.load(std::memory_order_relaxed)) continue;
    try {
      entry.call(entry.state, event);
    } catch (...) {
      floor_failures.fetch_add(1);
    }
  }
  reader_mark.epoch.store(0, std::memory_order_release);
}

}  // namespace bench
