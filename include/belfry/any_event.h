// An event of whatever type, as it is seen by who listens to several types.
#pragma once

#include "belfry/event_type.h"

namespace belfry {

// Thread safety: a value. Lifetime: as long as the event, for a listener that of its delivery.
class AnyEvent {
 public:
  AnyEvent(EventType type, const void* event) : type_(type), event_(event) {}

  EventType type() const { return type_; }
  const void* get() const { return event_; }
  // Null when it is of another type.
  template <class E>
  const E* As() const {
    return type_ == EventTypeOf<E>() ? static_cast<const E*>(event_) : nullptr;
  }

 private:
  EventType type_;
  const void* event_;
};

}  // namespace belfry
