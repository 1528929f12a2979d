// What a loop is doing, for who watches it.
#pragma once

#include <cstdint>

#include "belfry/event_loop_options.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: the loop's thread writes, with plain stores, if it is watched; any thread reads.
// Whoever sees a call sees what the loop's thread did before it.
class LoopPulse {
 public:
  explicit LoopPulse(bool watched) : watched_(watched) {}

  bool watched() const { return watched_; }
  // A call begins; it lasts until the next one, or until the loop waits.
  void Calls(LoopWork work, int fd = -1) {
    if (!watched_) return;
    ++calls_;
    const auto low = static_cast<std::uint32_t>(fd);
    call_.store(std::uint64_t{calls_} << 35 | static_cast<std::uint64_t>(work) << 32 | low,
                std::memory_order_release);
  }
  // The loop waits, or nobody runs it.
  void Waits() {
    turn_.store(turn_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    call_.store(0, std::memory_order_relaxed);
  }

  // One call of one turn, as it was seen.
  struct Beat {
    std::uint64_t turn = 0;
    std::uint64_t call = 0;

    LoopWork work() const { return static_cast<LoopWork>(call >> 32 & 7); }
    int fd() const { return static_cast<int>(static_cast<std::uint32_t>(call)); }
  };
  Beat Look() const {
    return {.turn = turn_.load(std::memory_order_relaxed),
            .call = call_.load(std::memory_order_acquire)};
  }

 private:
  const bool watched_;
  std::uint32_t calls_ = 0;
  sync::Atomic<std::uint64_t> turn_{0};
  sync::Atomic<std::uint64_t> call_{0};  // number, kind and descriptor; 0: none
};

}  // namespace belfry
