#include "dispatch/lazy_envelope.h"

#include <new>

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame.h"
#include "dispatch/topic.h"

namespace belfry {

void LazyEnvelope::Begin(const Frame& frame, const void* event, const Cause& cause,
                         sync::Atomic<std::uint64_t>& id) {
  Topic& topic = frame.topic();
  event_ = event;
  made_ = ::new (place_) Envelope(topic.type(), event, topic.core().ids(), cause, &id);
}

// What was ambient outside of the frame is the event's own.
void LazyEnvelope::Make(const Frame& frame) {
  Topic& topic = frame.topic();
  const SharedBaggage* const baggage = frame.OuterBaggage();
  const SharedExtras* const extras = frame.OuterExtras();
  made_ = ::new (place_)
      Envelope(topic.type(), event_, topic.core().ids(), frame.OuterCause(), nullptr,
               baggage == nullptr ? nullptr : *baggage, extras == nullptr ? nullptr : *extras);
}

void LazyEnvelope::ForgetMade() {
  if (static_cast<const void*>(made_) == place_) made_->~Envelope();
  made_ = nullptr;
}

void LazyEnvelope::End() {
  Forget();
  event_ = nullptr;
}

}  // namespace belfry
