// Which events are the dispatcher's own.
#pragma once

#include "belfry/event_type.h"

namespace belfry {

// Whether it is one of belfry/library_events.h. Those of adapters, as FileReadFinished, are not.
bool IsLibraryEvent(EventType type);

}  // namespace belfry
