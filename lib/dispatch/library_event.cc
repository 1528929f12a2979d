#include "dispatch/library_event.h"

#include "belfry/flow_events.h"
#include "belfry/library_events.h"

namespace belfry {

bool IsLibraryEvent(EventType type) {
  return type == EventTypeOf<ListenerFailed>() || type == EventTypeOf<Orphaned>() ||
         type == EventTypeOf<PublishRefused>() || type == EventTypeOf<Dropped>() ||
         type == EventTypeOf<Expired>() || type == EventTypeOf<ListenerQuarantined>() ||
         type == EventTypeOf<SlowListener>() || type == EventTypeOf<ListenersPiledUp>() ||
         type == EventTypeOf<SpareThreadStarted>() || type == EventTypeOf<CompositionLate>() ||
         type == EventTypeOf<CompositionEvicted>() || type == EventTypeOf<AnswerLate>();
}

}  // namespace belfry
