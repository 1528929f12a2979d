#include "dispatch/lazy_envelope.h"

#include <new>

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame.h"
#include "dispatch/topic.h"

namespace belfry {

void LazyEnvelope::Make(const Frame& frame) {
  Topic& topic = frame.topic();
  const Cause cause = cause_ == nullptr ? frame.OuterCause() : *cause_;
  made_ = ::new (place_) Envelope(topic.type(), event_, topic.core().ids(), cause, id_);
}

void LazyEnvelope::ForgetMade() {
  if (static_cast<const void*>(made_) == place_) made_->~Envelope();
  made_ = nullptr;
}

void LazyEnvelope::End() {
  Forget();
  event_ = nullptr;
  cause_ = nullptr;
  id_ = nullptr;
}

}  // namespace belfry
