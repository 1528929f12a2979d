// The events by which a composition works. What it tells is in flow_events.h: CompositionLate
// and CompositionEvicted.
//
// Ordinary events, to be seen in records and logs; nobody but their composition needs them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "belfry/event_type.h"

namespace belfry {

struct EndedComposition;
class HeldPart;

// The time of at least one open composition is over.
struct CompositionDue {
  std::string composition{};
  std::uint64_t id = 0;
};
BELFRY_EVENT_NAME(CompositionDue, "belfry.composition_due", 1);

// A part is to be undone. What that fails on is a dead letter.
struct CompositionUndo {
  std::string composition{};
  std::string key{};
  std::string part{};
  std::uint64_t id = 0;
  std::shared_ptr<const EndedComposition> ended{};
  const HeldPart* held = nullptr;
};
BELFRY_EVENT_NAME(CompositionUndo, "belfry.composition_undo", 1);

}  // namespace belfry
