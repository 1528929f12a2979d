// The frame of a listener that has a queue, while its events are delivered.
#pragma once

#include "belfry/check.h"
#include "dispatch/frame_scope.h"
#include "dispatch/listener.h"

namespace belfry {

// Enters it for a block.
//
// Thread safety: its own thread.
class DeliveringScope {
 public:
  DeliveringScope(DispatcherCore& core, Listener& listener)
      : frame_(Next()), scope_(frame_, core, {.inside = &listener}) {
    frame_.delivering = &listener;
  }
  ~DeliveringScope() { frame_.delivering = nullptr; }
  DeliveringScope(const DeliveringScope&) = delete;
  DeliveringScope& operator=(const DeliveringScope&) = delete;

  Frame& frame() { return frame_; }

 private:
  static Frame& Next() {
    Frame* const frame = Frame::Next();
    BELFRY_CHECK(frame != nullptr, "there is no memory for a delivery inside another one");
    return *frame;
  }

  Frame& frame_;
  const FrameScope scope_;
};

}  // namespace belfry
