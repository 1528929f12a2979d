// Which deliveries of a dispatcher wait, and for what.
#pragma once

#include <vector>

#include "belfry/shutdown.h"

namespace belfry {

class TopicDirectory;

// Those of all listeners, also of detached ones. Throws std::bad_alloc.
std::vector<WaitingDelivery> WaitingDeliveries(const TopicDirectory& topics);

}  // namespace belfry
