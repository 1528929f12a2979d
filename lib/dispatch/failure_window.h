// Whether a listener has failed too often in too short a time.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/quarantine.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

// Remembers the latest failures, as many as it takes.
//
// Thread safety: any thread.
class FailureWindow {
 public:
  // Throws std::bad_alloc.
  explicit FailureWindow(const Quarantine& quarantine)
      : within_(quarantine.within), latest_(quarantine.failures) {}

  // Whether it is enough with this one; then it begins anew.
  bool Add(SteadyTime now) {
    const sync::Lock lock(mutex_);
    latest_[count_ % latest_.size()] = now;
    if (++count_ < latest_.size()) return false;
    const SteadyTime first = latest_[count_ % latest_.size()];
    if (now - first > within_) return false;
    count_ = 0;
    return true;
  }

  RateLimit& told() { return told_; }

 private:
  const Nanoseconds within_;
  RateLimit told_;
  sync::Mutex mutex_;
  std::vector<SteadyTime> latest_ ABSL_GUARDED_BY(mutex_);
  std::size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace belfry
