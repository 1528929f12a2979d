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
// `born` whom it may call.
//
// Thread safety: read by passes; changed under the topic's mutex.
struct alignas(64) InlineGroup {
  static constexpr unsigned kCellsMax = 64;

  struct Member {
    sync::Atomic<std::uint64_t> born{0};
    sync::Atomic<InlineListener*> listener{nullptr};
  };

  // What a pass reads comes first, in one line.
  ListenerOperations::CallAll call_all = nullptr;
  std::byte* cells = nullptr;
  sync::Atomic<InlineGroup*> next{nullptr};
  sync::Atomic<std::uint64_t> live{0};     // a bit for each cell whose listener is to be called
  sync::Atomic<std::uint64_t> changes{0};  // of `live`
  sync::Atomic<std::uint64_t> newest{0};   // the highest `born`
  std::uint64_t taken = 0;                 // cells that hold a callable, or will in a moment
  unsigned capacity = 0;
  Member* members = nullptr;
  const ListenerOperations* operations = nullptr;

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
  // Those of `listeners` that the listener set `version` has.
  std::uint64_t BornUntil(std::uint64_t version, std::uint64_t listeners) const;
};

}  // namespace belfry
