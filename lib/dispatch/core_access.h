// From what users hold to what is behind it, for rooms above.
#pragma once

#include <memory>
#include <utility>

#include "belfry/publisher.h"
#include "belfry/subscription.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/subscribe_error.h"

namespace belfry {

struct CoreAccess {
  static const std::shared_ptr<DispatcherCore>& Of(const Publisher& publisher) {
    return publisher.shared_core();
  }
  static Subscription Refused(SubscribeError why_not) { return Subscription(std::move(why_not)); }
};

}  // namespace belfry
