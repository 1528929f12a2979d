// Inline listeners whose callables have one type.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "belfry/listener_body.h"
#include "dispatch/inline_listener.h"
#include "sync/sync.h"

namespace belfry {

// They lie side by side in cells, so that one loop with the call inlined runs them all. A cell is
// used again; a pass knows by `changes` that something happened since it came, and by the cell's
// member whether the listener is in its listener set.
//
// Thread safety: read by passes; changed under the topic's mutex.
struct alignas(64) InlineGroup : InlineCells {
  static constexpr unsigned kCellsMax = 64;
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  struct Member {
    sync::Atomic<std::uint64_t> born{0};       // the first listener set that it is in
    sync::Atomic<std::uint64_t> died{kNever};  // replaced: the first one that it is not in any more
    sync::Atomic<InlineListener*> listener{nullptr};
  };

  // What a pass reads comes first, in one line.
  sync::Atomic<std::uint64_t> live{0};  // a bit for each cell whose listener may be called
  // The listener set from which on all of them are; never while some are muted, or replaced.
  sync::Atomic<std::uint64_t> settled{0};
  ListenerOperations::CallAll call_all = nullptr;
  std::byte* cells = nullptr;
  sync::Atomic<InlineGroup*> next{nullptr};
  sync::Atomic<std::uint64_t> muted{0};  // a bit for each cell likewise

  std::uint64_t taken = 0;     // cells that hold a callable, or will in a moment
  std::uint64_t replaced = 0;  // cells of listeners that have another one by now
  std::uint64_t newest = 0;    // the highest `born`
  unsigned capacity = 0;
  Member* members = nullptr;
  const ListenerOperations* operations = nullptr;
  // Out of the list: no pass with this listener set or a newer one comes to it.
  std::uint64_t until = 0;
  InlineGroup* next_retired = nullptr;

  // Room for `capacity` cells. Throws std::bad_alloc.
  static InlineGroup* Make(const ListenerOperations& operations, unsigned capacity);
  static void Delete(InlineGroup* group);

  bool full() const { return static_cast<unsigned>(std::popcount(taken)) == capacity; }
  void* Cell(unsigned index) const { return cells + index * operations->size; }
  unsigned IndexOf(const void* cell) const {
    return static_cast<unsigned>(
        static_cast<std::size_t>(static_cast<const std::byte*>(cell) - cells) / operations->size);
  }
  InlineListener* ListenerIn(const void* cell) const {
    return members[IndexOf(cell)].listener.load(std::memory_order_acquire);
  }
  // Whether, and which of `listeners`, the listener set `version` has.
  bool Has(unsigned index, std::uint64_t version) const {
    return members[index].born.load(std::memory_order_acquire) <= version &&
           version < members[index].died.load(std::memory_order_acquire);
  }
  std::uint64_t Having(std::uint64_t version, std::uint64_t listeners) const;
  bool IsMuted(unsigned index) const {
    return (muted.load(std::memory_order_acquire) >> index & 1) != 0;
  }

  // --- Under the mutex ---
  static constexpr std::uint64_t Bit(unsigned index) { return std::uint64_t{1} << index; }
  void Change() {
    changes.store(changes.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  void SetMuted(unsigned index, bool on) {
    const std::uint64_t others = muted.load(std::memory_order_relaxed) & ~Bit(index);
    muted.store(on ? others | Bit(index) : others, std::memory_order_release);
  }
  // The cell has no callable any more.
  void Free(unsigned index);
  // After `newest`, `muted` or `replaced` has changed.
  void Settle() {
    const bool all = (muted.load(std::memory_order_relaxed) | replaced) == 0;
    settled.store(all ? newest : kNever, std::memory_order_release);
  }
};

}  // namespace belfry
