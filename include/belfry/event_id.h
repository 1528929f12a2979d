// The identity of one published event.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "belfry/export.h"

namespace belfry {

// An event's id: which dispatcher published it (a random number drawn when the dispatcher was made)
// and the how-manieth id that dispatcher gave out. Unique across processes for all practical
// purposes; ordered only within one origin. A default EventId means "none".
//
// Thread safety: a value.
struct EventId {
  std::uint64_t origin = 0;
  std::uint64_t sequence = 0;

  explicit operator bool() const { return sequence != 0; }
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

// "4f1c9a02d3e7b856-12": the origin in hexadecimal, the sequence in decimal; "" for none.
BELFRY_EXPORT std::string ToString(EventId id);

}  // namespace belfry
