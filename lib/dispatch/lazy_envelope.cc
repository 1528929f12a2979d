#include "dispatch/lazy_envelope.h"

#include <new>

#include "dispatch/dispatcher_core.h"
#include "dispatch/topic.h"

namespace belfry {

Envelope& LazyEnvelope::Make() {
  if (!made_) {
    Topic& topic = *frame_.topic;
    // What a queued listener is delivered came from elsewhere: only a pass has its frame's cause.
    const Cause none;
    const Cause outer = id_ == nullptr ? frame_.OuterCause() : none;
    ::new (place_) Envelope(topic.type(), event_, topic.core().ids(),
                            cause_ == nullptr ? outer : *cause_, id_);
    made_ = true;
  }
  return envelope();
}

}  // namespace belfry
