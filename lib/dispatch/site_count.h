// Notices listeners that pile up: many of one type, all subscribed at one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "belfry/site.h"
#include "sync/sync.h"

namespace belfry {

// A subscribe counts down to the next look; a look goes through all that are there, and says when
// the next one is worth it: after so many subscribes at least that its cost for each is constant.
//
// Thread safety: any thread.
class SiteCount {
 public:
  // More than `max` of one place are too many; 0: never.
  explicit SiteCount(std::size_t max);

  // One more has subscribed; whether it is time for a look. Several threads at once may count one
  // too few.
  bool Count() {
    const std::int64_t left = left_.load(std::memory_order_relaxed);
    left_.store(left - 1, std::memory_order_relaxed);
    return left <= 1;
  }
  struct Pile {
    Site site;
    std::size_t listeners = 0;
  };
  // The largest pile that is too large, each place once. Throws std::bad_alloc.
  std::optional<Pile> Look(std::vector<Site> sites);

 private:
  bool WasTold(Site site) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::size_t max_;
  sync::Atomic<std::int64_t> left_;
  sync::Mutex mutex_;
  std::vector<Site> told_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
