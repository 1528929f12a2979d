// The word that says what may be done with a queued listener, and what is being done.
#pragma once

#include <cstdint>

#include "sync/sync.h"

namespace belfry {

// Whoever finds the listener detached and not running, or stops running and finds it detached, ends
// it.
//
// Thread safety: any thread. Every change is seq_cst.
class QueuedState {
 public:
  static constexpr std::uint32_t kPosted = 1;      // a turn is on its executor, or running there
  static constexpr std::uint32_t kRunning = 2;     // somebody has its callable and position
  static constexpr std::uint32_t kDetached = 4;    // it ends when nobody is running
  static constexpr std::uint32_t kDiscarding = 8;  // nothing is delivered any more
  static constexpr std::uint32_t kReplacing = 16;  // who runs it is to take the next callable
  static constexpr std::uint32_t kMuted = 32;      // what comes is passed over

  std::uint32_t word() const { return word_.load(std::memory_order_seq_cst); }
  // Any of them.
  bool Is(std::uint32_t bits) const { return (word() & bits) != 0; }
  // Both return what it was before.
  std::uint32_t Set(std::uint32_t bits) { return word_.fetch_or(bits, std::memory_order_seq_cst); }
  std::uint32_t Clear(std::uint32_t bits) {
    return word_.fetch_and(~bits, std::memory_order_seq_cst);
  }
  // The right to run it; not when it is detached, or somebody has it.
  bool BeginRunning() {
    std::uint32_t word = this->word();
    do {
      if ((word & (kDetached | kRunning)) != 0) return false;
    } while (!word_.compare_exchange_weak(word, word | kRunning, std::memory_order_seq_cst));
    return true;
  }
  // For a look at every event.
  const sync::Atomic<std::uint32_t>& place() const { return word_; }

 private:
  sync::Atomic<std::uint32_t> word_{0};
};

}  // namespace belfry
