#include "belfry/clock.h"

#include "sync/sync.h"

namespace belfry {
namespace {

class RealClock final : public Clock {
 public:
  SteadyTime Now() const override { return sync::Now(); }
  WallTime WallNow() const override { return std::chrono::system_clock::now(); }
};

}  // namespace

const Clock& Clock::Real() {
  // Never destroyed: static objects of others may still read the time.
  static const RealClock& clock = *new RealClock;
  return clock;
}

SteadyTime ManualClock::Now() const {
  return SteadyTime(Nanoseconds(elapsed_.load(std::memory_order_acquire)));
}

WallTime ManualClock::WallNow() const {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      Nanoseconds(elapsed_.load(std::memory_order_acquire))));
}

void ManualClock::Advance(Nanoseconds by) {
  elapsed_.fetch_add(by.count(), std::memory_order_acq_rel);
}

}  // namespace belfry
