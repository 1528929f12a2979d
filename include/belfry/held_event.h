// An event on the heap that is published later.
//
// Users need nothing from this header.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "belfry/check.h"
#include "belfry/event_handle.h"
#include "belfry/event_type.h"

namespace belfry {

class HeldEvent {
 public:
  HeldEvent() = default;
  virtual ~HeldEvent() = default;
  HeldEvent(const HeldEvent&) = delete;
  HeldEvent& operator=(const HeldEvent&) = delete;

  virtual EventType type() const = 0;
  // To move it from here.
  virtual EventHandle handle() = 0;
};

// Holds an event as a publisher gives it: an rvalue, an lvalue, or a shared pointer. Throws
// std::bad_alloc and what its move or copy throws. A null pointer aborts.
template <class Given>
std::unique_ptr<HeldEvent> HoldEvent(Given&& given) {
  using Held = std::remove_cvref_t<Given>;
  if constexpr (kIsSharedPointer<Held>) {
    using E = std::remove_const_t<typename Held::element_type>;
    struct Shared final : HeldEvent {
      explicit Shared(std::shared_ptr<const E> shared) : pointer(std::move(shared)) {}
      EventType type() const override { return EventTypeOf<E>(); }
      EventHandle handle() override { return EventHandle::OfShared<E>(pointer); }
      const std::shared_ptr<const E> pointer;
    };
    BELFRY_CHECK(given != nullptr, "a null pointer was published");
    return std::make_unique<Shared>(std::forward<Given>(given));
  } else {
    struct Typed final : HeldEvent {
      explicit Typed(Given&& from) : event(std::forward<Given>(from)) {}
      EventType type() const override { return EventTypeOf<Held>(); }
      EventHandle handle() override { return EventHandle::Of(event); }
      Held event;
    };
    return std::make_unique<Typed>(std::forward<Given>(given));
  }
}

}  // namespace belfry
