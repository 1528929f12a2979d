// At most so many a second, counting what is left out.
#pragma once

#include <cstdint>
#include <optional>

#include "belfry/clock.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread.
class RateLimit {
 public:
  // Whether one more is allowed at `now`; if so, how many were left out since the last one.
  std::optional<std::uint64_t> Allow(SteadyTime now);

 private:
  sync::Mutex mutex_;
  SteadyTime second_start_ ABSL_GUARDED_BY(mutex_){};
  std::uint64_t allowed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace belfry
