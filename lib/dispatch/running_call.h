// A delivery as it runs in a frame, to be known again later.
#pragma once

#include <cstdint>

#include "dispatch/frame.h"
#include "dispatch/thread_record.h"
#include "dispatch/topic.h"
#include "dispatch/topic_directory.h"

namespace belfry {

// Two looks at a frame that are equal have seen one delivery; of a queued listener whose events are
// bytes one run of them, in which its position says the rest.
struct RunningCall {
  const Frame* frame = nullptr;
  const void* callee = nullptr;  // a queued listener, or the cell of an inline one; null: none
  std::uint64_t deliveries = 0;
  // Fast passes are not counted as deliveries: they count themselves, from 0 for each listener set.
  std::uint64_t version = 0;
  std::uint64_t passes = 0;
  bool operator==(const RunningCall&) const = default;

  static RunningCall Of(const Frame& frame, const TopicDirectory& topics) {
    RunningCall call{.frame = &frame, .callee = frame.callee()};  // this one first
    call.deliveries = frame.deliveries();
    call.version = frame.version();
    // Never asked for what it may mean: the frame may be another dispatcher's by now.
    const void* const inside = frame.inside();
    topics.ForEach([&](Topic& topic) {
      if (&topic != inside) return;
      const PassCount* const count =
          frame.thread().counts.Find(topic.inline_listeners().roll().number());
      if (count != nullptr) call.passes = count->passes.load(std::memory_order_relaxed);
    });
    return call;
  }
};

}  // namespace belfry
