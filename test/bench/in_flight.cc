#include "bench/in_flight.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace bench {

void InFlightLimit::TakeBatch() {
  const std::uint64_t end = taken_.fetch_add(kBatch) + kBatch;
  while (end > SlowestDone() + kInFlight) std::this_thread::yield();
}

std::uint64_t InFlightLimit::SlowestDone() const {
  std::uint64_t slowest = done_[0].events.load(std::memory_order_acquire);
  for (std::size_t i = 1; i < deliverers_; ++i) {
    slowest = std::min(slowest, done_[i].events.load(std::memory_order_acquire));
  }
  return slowest;
}

}  // namespace bench
