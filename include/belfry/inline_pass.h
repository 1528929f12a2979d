// The rim between a publish that calls inline listeners and the typed loop that does it.
//
// Users need nothing from this header.
#pragma once

#include <cstdint>

#include "belfry/atomic.h"
#include "belfry/context.h"
#include "belfry/export.h"
#include "belfry/failure.h"

namespace belfry {

// Inline listeners whose callables have one type and lie side by side in cells; what a pass reads
// of them between two calls.
struct InlineCells {
  sync::Atomic<std::uint64_t> changes{0};  // of who is to be called
};

// One publish on its way through such listeners.
//
// Thread safety: the publishing thread; other threads read which cell is current.
class BELFRY_EXPORT InlinePass {
 public:
  const InlineCells& cells() const { return *cells_; }
  // What the cells' count of changes was when the pass came to them.
  std::uint64_t seen() const { return seen_; }

  // The call of the listener in `cell` begins. The store says whom a Reset must wait for; the load,
  // if nothing has changed, that nobody was reset. If something has, StillCalls knows.
  bool Enter(const void* cell, const InlineCells& cells, std::uint64_t seen) {
    current_.store(cell, std::memory_order_release);
    return cells.changes.load(std::memory_order_acquire) == seen;
  }
  // Whether the listener of that index, which was entered, is still to be called.
  [[gnu::cold]] bool StillCalls(unsigned index);

  // What the listener of that index may know.
  Context MakeContext(unsigned index);
  // The call that began last ended so.
  [[gnu::cold]] void Failed(const Failure& failure);

 protected:
  InlinePass() = default;
  ~InlinePass() = default;

  sync::Atomic<const void*> current_{nullptr};
  const InlineCells* cells_ = nullptr;
  std::uint64_t seen_ = 0;
};

}  // namespace belfry
