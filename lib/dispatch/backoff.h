// How long to wait before a refused publish is tried again.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "belfry/clock.h"
#include "belfry/publish_result.h"

namespace belfry {

// 1 ms, then twice as long each time, up to 50 ms. Thread safety: a value.
class Backoff {
 public:
  Nanoseconds Next() {
    const Nanoseconds next = next_;
    next_ = std::min<Nanoseconds>(next_ * 2, std::chrono::milliseconds(50));
    return next;
  }
  void Reset() { next_ = std::chrono::milliseconds(1); }

 private:
  Nanoseconds next_ = std::chrono::milliseconds(1);
};

// Whether the same publish may be accepted later. Otherwise the dispatcher takes no event any more.
inline bool MayBeAcceptedLater(PublishResult result) {
  return result.code() != PublishResult::Code::kClosed &&
         result.code() != PublishResult::Code::kForked;
}

}  // namespace belfry
