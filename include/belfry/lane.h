// How urgent an event is.
#pragma once

#include <cstdint>

namespace belfry {

// Listeners that take lanes start what was published in a higher one first: see
// ListenerOptions::starvation_max and PublishOptions::lane. An event that takes the place of
// another one (Overflow::Coalesce) takes its lane, too.
enum class Lane : std::uint8_t { kUrgent, kNormal, kBulk };

}  // namespace belfry
