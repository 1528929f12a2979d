#include "dispatch/rate_limit.h"

#include <utility>

#include "belfry/library_events.h"

namespace belfry {

std::optional<std::uint64_t> RateLimit::Allow(SteadyTime now) {
  const sync::Lock lock(mutex_);
  if (now - second_start_ >= std::chrono::seconds(1)) {
    second_start_ = now;
    allowed_ = 0;
  }
  if (allowed_ == kLibraryEventsPerSecond) {
    ++left_out_;
    return std::nullopt;
  }
  ++allowed_;
  return std::exchange(left_out_, 0);
}

}  // namespace belfry
