// The rim between typed events and the code that knows no types.
//
// Users need nothing from this header but BelfryEventBytes.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "belfry/check.h"
#include "belfry/event_type.h"

namespace belfry {

// How many bytes an event counts against QueueLimit::bytes_max: sizeof(E), unless a function
// `std::size_t BelfryEventBytes(const E&)` beside E says more exactly.
template <class E>
concept CountsItsBytes = requires(const E& event) {
  BelfryEventBytes(event);
};

template <class E>
std::size_t EventBytes(const E& event) {
  if constexpr (CountsItsBytes<E>) {
    return BelfryEventBytes(event);
  } else {
    return sizeof(E);
  }
}

// What the untyped code must be able to do with what carries an event of one type: the event
// itself, or a shared pointer to it.
struct EventOperations {
  bool is_bytes;                              // may be copied as bytes, and leaves nothing behind
  const void* (*event)(const void* carrier);  // null: the carrier is the event
  std::size_t (*bytes)(const void* event);    // null: each counts its size
  void (*take)(void* carrier, void* to);      // constructs *to; may throw what E's move throws
  void (*destroy)(void* carrier) noexcept;

  // Moves the event.
  template <class E>
  static const EventOperations& Of();
  // Copies the pointer.
  template <class E>
  static const EventOperations& OfShared();

 private:
  template <class E>
  static constexpr auto BytesOf() -> std::size_t (*)(const void*) {
    if constexpr (CountsItsBytes<E>) {
      return [](const void* counted) { return EventBytes(*static_cast<const E*>(counted)); };
    } else {
      return nullptr;
    }
  }
};

// An event on its way in, still where its publisher made it.
struct EventHandle {
  void* carrier;
  const EventOperations* operations;

  const void* event() const {
    return operations->event == nullptr ? carrier : operations->event(carrier);
  }

  // How many it counts in a queue. Calls user code.
  std::size_t bytes(EventType type) const {
    return operations->bytes == nullptr ? type.size() : operations->bytes(event());
  }

  template <class E>
  static EventHandle Of(E& event) {
    return {&event, &EventOperations::Of<E>()};
  }
  template <class E>
  static EventHandle OfShared(const std::shared_ptr<const E>& event) {
    return {const_cast<std::shared_ptr<const E>*>(&event), &EventOperations::OfShared<E>()};
  }
};

template <class E>
const EventOperations& EventOperations::Of() {
  static constexpr EventOperations kOperations{
      .is_bytes = std::is_trivially_copyable_v<E> && alignof(E) <= 16,
      .event = nullptr,
      .bytes = BytesOf<E>(),
      .take = [](void* from, void* to) { ::new (to) E(std::move(*static_cast<E*>(from))); },
      .destroy = [](void* carrier) noexcept { static_cast<E*>(carrier)->~E(); }};
  return kOperations;
}

template <class E>
const EventOperations& EventOperations::OfShared() {
  using Pointer = std::shared_ptr<const E>;
  static constexpr EventOperations kOperations{
      .is_bytes = false,
      .event = [](const void* pointer) -> const void* {
        return static_cast<const Pointer*>(pointer)->get();
      },
      .bytes = BytesOf<E>(),
      .take = [](void* from, void* to) { ::new (to) Pointer(*static_cast<const Pointer*>(from)); },
      .destroy = [](void* pointer) noexcept { static_cast<Pointer*>(pointer)->~Pointer(); }};
  return kOperations;
}

template <class>
inline constexpr bool kIsSharedPointer = false;
template <class E>
inline constexpr bool kIsSharedPointer<std::shared_ptr<E>> = true;

// The event type of what a publisher gives.
template <class Given>
struct PublishedEvent {
  using type = Given;
};
template <class E>
struct PublishedEvent<std::shared_ptr<E>> {
  using type = std::remove_const_t<E>;
};
template <class Given>
using PublishedAs = typename PublishedEvent<std::remove_cvref_t<Given>>::type;

// Calls `publish` with the type and the handle of an event as a publisher gives it: an rvalue, an
// lvalue, which is copied first, or a shared pointer.
template <class Given, class Call>
auto WithEvent(Given&& given, Call publish) {
  using E = std::remove_cvref_t<Given>;
  if constexpr (kIsSharedPointer<E>) {
    using Pointee = std::remove_const_t<typename E::element_type>;
    const std::shared_ptr<const Pointee>& pointer = given;
    BELFRY_CHECK(pointer != nullptr, "a null pointer was published");
    return publish(EventTypeOf<Pointee>(), EventHandle::OfShared<Pointee>(pointer));
  } else if constexpr (std::is_lvalue_reference_v<Given>) {
    static_assert(std::is_copy_constructible_v<E>,
                  "an event that cannot be copied is published with std::move, or Emplace");
    E copy(given);
    return publish(EventTypeOf<E>(), EventHandle::Of(copy));
  } else {
    static_assert(!std::is_const_v<Given>, "a const event cannot be moved in: publish a copy");
    return publish(EventTypeOf<E>(), EventHandle::Of(given));
  }
}

}  // namespace belfry
