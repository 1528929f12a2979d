// Entering and leaving frames.
#pragma once

#include <optional>

#include "dispatch/frame.h"
#include "dispatch/thread_record.h"

namespace belfry {

// Enters a frame for a block, and leaves it however that ends.
//
// Thread safety: its own thread.
class FrameScope {
 public:
  // Entered with another order than seq_cst, others may see it later.
  FrameScope(Frame& frame, DispatcherCore& core, const void* inside,
             std::memory_order order = std::memory_order_seq_cst)
      : frame_(frame) {
    frame_.entries_.store(frame_.entries_.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
    frame_.core_.store(&core, std::memory_order_relaxed);
    frame_.inside_.store(inside, order);
    frame_.outer_scope_ = ambient.scope;
    ambient.frame = &frame_;
    frame_.made = nullptr;
    frame_.lazy = nullptr;
    frame_.delivering = nullptr;
  }
  ~FrameScope() {
    frame_.current_.store(nullptr, std::memory_order_release);
    frame_.inside_.store(nullptr, std::memory_order_release);
    ambient.frame = frame_.outer_;
    ambient.scope = frame_.outer_scope_;
    if (frame_.thread_.watchers.load(std::memory_order_relaxed) != 0) ThreadRecord::TellWatchers();
  }
  FrameScope(const FrameScope&) = delete;
  FrameScope& operator=(const FrameScope&) = delete;

 private:
  Frame& frame_;
};

// Around the destruction of a listener's callable, which is user code of its too. Where there is no
// memory for a frame there is none.
class DestructionScope {
 public:
  DestructionScope(DispatcherCore& core, const Listener& listener) {
    if (Frame* const frame = Frame::Next()) scope_.emplace(*frame, core, &listener);
  }

 private:
  std::optional<FrameScope> scope_;
};

}  // namespace belfry
