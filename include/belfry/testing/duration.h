// Durations for people.
#pragma once

#include <string>

#include "belfry/clock.h"
#include "belfry/export.h"

namespace belfry::testing {

// "250us", "31s", "1.5s": in the largest unit up to seconds in which it is at least one, cut after
// three decimals.
BELFRY_EXPORT std::string ShowDuration(Nanoseconds duration);

}  // namespace belfry::testing
