// Who follows one publish, delivery by delivery.
#pragma once

#include <string_view>

#include "belfry/publish_outcome.h"

namespace belfry {

class Listener;

// Thread safety: any thread, several deliveries at once.
// Lifetime: kept until all deliveries have ended.
class PublishTracker {
 public:
  PublishTracker() = default;
  virtual ~PublishTracker() = default;
  PublishTracker(const PublishTracker&) = delete;
  PublishTracker& operator=(const PublishTracker&) = delete;

  // A delivery has ended, of whatever kind but kRefused. Called where that happens, under no lock.
  virtual void DeliveryEnded(const Listener& listener, DeliveryOutcome::Kind how,
                             std::string_view what) noexcept = 0;
  // All have, or the event was refused. The last call.
  virtual void PublishEnded(PublishResult result) noexcept = 0;
};

}  // namespace belfry
