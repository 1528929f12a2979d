// A dispatcher's stats as a text for people. For programs there is belfry/stats_json.h.
//
//   std::cout << belfry::Describe(dispatcher.GetStats());
#pragma once

#include <string>

#include "belfry/export.h"
#include "belfry/stats.h"

namespace belfry {

// Two tables, of the types and of the listeners, and a line about what waits beside them. Counters
// that are zero everywhere have no column; of a listener's options those are named that differ from
// what it would have without. The form may change with every version.
// Throws std::bad_alloc.
BELFRY_EXPORT std::string Describe(const Stats& stats);

}  // namespace belfry
