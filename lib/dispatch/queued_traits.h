// What of its options a queued listener goes by.
#pragma once

#include "belfry/executor.h"
#include "belfry/listener_options.h"

namespace belfry {

// How it was subscribed; fixed for its life.
struct QueuedTraits {
  Executor* executor = nullptr;  // null: its deliveries are run by a synchronous dispatcher
  QueueLimit limit{};
  Overflow overflow{};
};

}  // namespace belfry
