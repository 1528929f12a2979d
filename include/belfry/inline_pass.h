// The rim between a publish that calls inline listeners and the typed loop that does it.
//
// Users need nothing from this header.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "belfry/atomic.h"
#include "belfry/context.h"
#include "belfry/export.h"

namespace belfry {

// How a delivery ended: null if well, else what went wrong. One word where all is well.
using Failure = std::unique_ptr<std::string>;

// One publish on its way through a group of inline listeners whose callables have one type and lie
// side by side in cells.
//
// Thread safety: the publishing thread; other threads read which cell is current.
class BELFRY_EXPORT InlinePass {
 public:
  // The call of the listener in `cell`, the one of that index, begins: whether it is still to be
  // called. The store says whom a Reset must wait for; where the group has not changed since the
  // pass came to it, the load says that nobody has been reset.
  bool Enter(const void* cell, unsigned index) {
    current_.store(cell, std::memory_order_release);
    return changes_->load(std::memory_order_acquire) == seen_ || StillCalls(index);
  }

  // What the listener of that index may know.
  Context MakeContext(unsigned index);
  // The call that began last ended with an error.
  void Failed(const std::string& what);

 protected:
  InlinePass() = default;
  ~InlinePass() = default;

  sync::Atomic<const void*> current_{nullptr};
  const sync::Atomic<std::uint64_t>* changes_ = nullptr;  // the group's count of changes
  std::uint64_t seen_ = 0;                                // what it was when the pass came to it

 private:
  bool StillCalls(unsigned index);
};

}  // namespace belfry
