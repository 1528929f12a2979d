// Listeners that answer with events: what they return is published, caused by what they were given.
//
//   auto oven = dispatcher.Subscribe(
//       [](const OrderPlaced& order) { return PizzaWanted{order.pizza}; });
//   auto bar = dispatcher.Subscribe([](const OrderPlaced& order) -> std::optional<DrinkWanted> {
//     if (order.drink.empty()) return std::nullopt;
//     return DrinkWanted{order.drink};
//   });
//   auto table = dispatcher.Subscribe(
//       [](const OrderPlaced& order) { return std::vector<PlateWanted>(order.guests); });
//
// Each as by a publish at the end of the listener, in the order in which they are returned; of a
// shared pointer that is what it points to. One that is refused is a failure of the listener, which
// is not tried again for that; those behind it are published all the same.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/failure.h"
#include "belfry/status_fwd.h"

namespace belfry {

template <class>
inline constexpr bool kIsOptional = false;
template <class E>
inline constexpr bool kIsOptional<std::optional<E>> = true;
template <class>
inline constexpr bool kIsVector = false;
template <class E>
inline constexpr bool kIsVector<std::vector<E>> = true;

// By the dispatcher whose delivery the calling thread is in.
BELFRY_EXPORT Failure PublishReturnedEvent(EventType type, EventHandle event);

// What is returned: an event, an event or none, or several.
template <class R>
Failure PublishReturned(R& returned) {
  if constexpr (kIsOptional<R>) {
    return returned.has_value() ? PublishReturned(*returned) : Failure();
  } else if constexpr (kIsVector<R>) {
    Failure first;
    for (auto& event : returned) {
      Failure failure = PublishReturned(event);
      if (failure && !first) first = std::move(failure);
    }
    return first;
  } else {
    static_assert(std::is_class_v<R> && !std::is_same_v<R, absl::Status>,
                  "a listener returns void, absl::Status, or events");
    return WithEvent(std::move(returned), PublishReturnedEvent);
  }
}

}  // namespace belfry
