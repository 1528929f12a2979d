// Entering and leaving frames.
#pragma once

#include <optional>

#include "dispatch/frame.h"
#include "dispatch/thread_record.h"

namespace belfry {

// What a frame is entered for.
struct Entry {
  void* inside;  // see Place
  const void* event = nullptr;
  std::uint64_t version = 0;  // no newer than the listener set that a pass will find
};

// Enters a frame for a block, and leaves it however that ends.
//
// Thread safety: its own thread.
class FrameScope {
 public:
  // Entered with another order than seq_cst, it is seen by others after a heavy barrier of theirs.
  FrameScope(Frame& frame, DispatcherCore& core, const Entry& entry,
             std::memory_order order = std::memory_order_seq_cst)
      : frame_(frame) {
    if (frame_.core() != &core) frame_.core_.store(&core, std::memory_order_relaxed);
    frame_.SetVersion(entry.version);
    frame_.envelope_.Begin(entry.event);
    if (order == std::memory_order_seq_cst) {
      frame_.inside_.store(entry.inside, std::memory_order_seq_cst);
    } else {
      frame_.inside_.store(entry.inside, std::memory_order_release);
      sync::LightBarrier();
    }
    ambient.frame = &frame_;
  }
  // No listener of it is current by then.
  ~FrameScope() {
    frame_.envelope_.Forget();
    frame_.inside_.store(nullptr, std::memory_order_release);
    ambient.frame = frame_.outer_;
    sync::LightBarrier();
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
  DestructionScope(DispatcherCore& core, Listener& listener) {
    if (Frame* const frame = Frame::Next())
      scope_.emplace(*frame, core, Entry{.inside = &listener});
  }

 private:
  std::optional<FrameScope> scope_;
};

}  // namespace belfry
