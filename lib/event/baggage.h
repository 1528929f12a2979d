// What an event hands on.
#pragma once

#include <vector>

#include "belfry/envelope.h"

namespace belfry {

// Adds what was said to what was inherited; of two with one name the later one stays. False, with
// nothing changed, when that is more than an event may carry. Throws std::bad_alloc.
bool AddBaggage(SharedBaggage& baggage, std::vector<Header> added);

}  // namespace belfry
