// Listeners to events of several types.
//
//   auto audit = dispatcher.Subscribe(EventTypes<OrderPlaced, OrderCancelled>(), Audit);
//   auto users = dispatcher.Subscribe(EventsNamed{"user.*"}, [](const belfry::AnyEvent& event) {
//     std::cout << event.type().name() << "\n";
//   });
//   auto all = dispatcher.Subscribe(AllEvents(), Count);
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "belfry/any_event.h"
#include "belfry/context.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/listener_body.h"

namespace belfry {

// These types; the listener is a callable for each of them.
template <class... E>
struct EventTypes {};
// Those with a declared name (BELFRY_EVENT_NAME) that matches: `*` stands for any characters. The
// listener is a callable for `const AnyEvent&`.
struct EventsNamed {
  std::string pattern;
};
// All but the dispatcher's own (library_events.h). What adapters publish is among them.
struct AllEvents {};

// Which event types a listener wants, among those that are used by now or ever will be.
class BELFRY_EXPORT EventSelection {
 public:
  template <class... E>
  EventSelection(EventTypes<E...>)  // NOLINT(google-explicit-constructor): each is a selection
      : types_{EventTypeOf<E>()...} {
    static_assert(sizeof...(E) > 0, "name the event types that the listener is for");
  }
  EventSelection(EventsNamed names)  // NOLINT(google-explicit-constructor)
      : pattern_(std::move(names.pattern)) {}
  EventSelection(AllEvents) : all_(true) {}  // NOLINT(google-explicit-constructor)

  bool Selects(EventType type) const;
  // The named ones, if they are; else none.
  const std::vector<EventType>& types() const { return types_; }
  // For messages: "all events", "user.*", or the types.
  std::string Describe() const;
  // Why it makes no sense, or "".
  std::string Complaint() const;

 private:
  std::vector<EventType> types_;
  std::string pattern_;
  bool all_ = false;
};

// A callable for each of `E` as one for AnyEvent.
template <class F, class... E>
class TypeSwitch {
  static constexpr bool kTakesContext = (TypedListener<E, F>::kTakesContext || ...);

 public:
  explicit TypeSwitch(F listener) : listener_(std::move(listener)) {}

  Failure operator()(const AnyEvent& event) requires(!kTakesContext) { return Call(event); }
  Failure operator()(const AnyEvent& event, Context& context) requires kTakesContext {
    return Call(event, context);
  }

 private:
  template <class... C>
  Failure Call(const AnyEvent& event, C&... context) {
    Failure failure;
    const auto call = [&]<class One>(const One* one) {
      if (one == nullptr) return false;
      if constexpr (TypedListener<One, F>::kTakesContext) {
        failure = TypedListener<One, F>::Invoke(listener_, *one, context...);
      } else {
        failure = TypedListener<One, F>::Invoke(listener_, *one);
      }
      return true;
    };
    static_cast<void>((call(event.As<E>()) || ...));
    return failure;
  }

  F listener_;
};

}  // namespace belfry
