// Which events a listener wants.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "belfry/event_type.h"
#include "belfry/listener_signature.h"

namespace belfry {

// A predicate on events of one type, made from any callable for `const E&` that returns bool; all
// events without one. E is read from its signature.
//
//   auto audit = dispatcher.Subscribe(
//       Audit, {.filter = [](const Order& order) { return order.total > 100; }});
//
// Called on the thread of the delivery, before the listener, and for an inline listener on several
// threads at once. What it throws is a failure of the listener, which is not called then.
class EventFilter {
 public:
  EventFilter() = default;
  template <class F>
  requires(!std::is_same_v<F, EventFilter> && requires { typename EventOfListener<F>; })
      EventFilter(F wants)  // NOLINT(google-explicit-constructor): an option is given as a lambda
      : type_(EventTypeOf<EventOfListener<F>>()),
        wants_([wants = std::move(wants)](const void* event) -> bool {
          return std::invoke(wants, *static_cast<const EventOfListener<F>*>(event));
        }) {}

  explicit operator bool() const { return type_.has_value(); }
  EventType type() const { return *type_; }
  bool Wants(const void* event) const { return wants_(event); }

 private:
  std::optional<EventType> type_;
  std::function<bool(const void*)> wants_;
};

}  // namespace belfry
