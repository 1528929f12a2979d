// Walks at random, and how one that fails is cut down to what matters.
#pragma once

#include <functional>

#include "model/plan.h"

namespace belfry::model {

Walk RandomWalk(unsigned seed, bool synchronous);

// A shorter walk for which `fails` holds as it does for the given one, or that one. Asks at most
// `tries` times.
Walk Shrunk(Walk walk, const std::function<bool(const Walk&)>& fails, int tries = 3'000);

}  // namespace belfry::model
