// The rim between typed events and the code that knows no types.
//
// Users need nothing from this header but BelfryEventBytes.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace belfry {

// How many bytes an event counts against QueueLimit::bytes_max: sizeof(E), unless a function
// `std::size_t BelfryEventBytes(const E&)` beside E says more exactly.
template <class E>
std::size_t EventBytes(const E& event) {
  if constexpr (requires { BelfryEventBytes(event); }) {
    return BelfryEventBytes(event);
  } else {
    return sizeof(E);
  }
}

// What the untyped code must be able to do with an event of one type.
struct EventOperations {
  std::size_t size;
  std::size_t alignment;
  bool is_bytes;                       // may be copied as bytes, and leaves nothing behind
  bool counts_bytes;                   // has a BelfryEventBytes: events differ
  void (*move)(void* from, void* to);  // constructs *to; may throw what E's move throws
  void (*destroy)(void* event) noexcept;

  template <class E>
  static const EventOperations& Of() {
    static constexpr EventOperations kOperations{
        sizeof(E), alignof(E), std::is_trivially_copyable_v<E> && alignof(E) <= 16,
        requires(const E& event){BelfryEventBytes(event);
  }
  , [](void* from, void* to) { ::new (to) E(std::move(*static_cast<E*>(from))); },
      [](void* event) noexcept { static_cast<E*>(event)->~E(); }
};
return kOperations;
}  // namespace belfry
}
;

// An event on its way in, still where its publisher made it.
struct EventHandle {
  void* event;
  std::size_t bytes;
  const EventOperations& operations;

  template <class E>
  static EventHandle Of(E& event) {
    return {&event, EventBytes(event), EventOperations::Of<E>()};
  }
};

}  // namespace belfry
