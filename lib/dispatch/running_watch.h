// Which deliveries of a dispatcher go on and on, found out without a clock on the delivery path.
#pragma once

#include <cstdint>
#include <vector>

#include "belfry/clock.h"
#include "belfry/publish_result.h"
#include "belfry/shutdown.h"
#include "dispatch/listener.h"
#include "dispatch/running_call.h"

namespace belfry {

class TopicDirectory;

// Deliveries as they run at one moment, to be looked at again later.
//
// Thread safety: one thread's; it looks at others.
class RunningWatch {
 public:
  // Without memory it will not know for how long anything has been running.
  RunningWatch(const DispatcherCore& core, const TopicDirectory& topics);

  // Those that run now, with how long they have been seen to.
  std::vector<StuckDelivery> Running() const;
  // How many are queued, or wait to be tried again.
  std::uint64_t CountWaiting() const;

 private:
  // A turn delivers many events in what its frame counts as one delivery.
  struct Turn {
    ListenerId listener;
    std::uint64_t started;
    bool operator==(const Turn&) const = default;
  };
  void Look(const DispatcherCore& core);
  Nanoseconds RunningFor(const ListedListener& listener, const Frame& frame, SteadyTime now) const;

  const TopicDirectory& topics_;
  SteadyTime since_;  // when all of these had been seen
  std::vector<RunningCall> running_;
  std::vector<Turn> turns_;
};

}  // namespace belfry
