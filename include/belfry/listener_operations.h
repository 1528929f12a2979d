// What the code that knows no types knows of a listener's callable.
//
// Users need nothing from this header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "belfry/context.h"
#include "belfry/failure.h"
#include "belfry/inline_pass.h"
#include "belfry/queued_pass.h"

namespace belfry {

// What the untyped code must be able to do with listeners of one type.
struct ListenerOperations {
  std::size_t size;
  std::size_t alignment;
  bool takes_context;
  bool moves_trivially;  // as bytes, and nothing is left behind
  bool destroys_trivially;
  void (*move)(void* from, void* to);  // constructs *to; may throw what F's move throws
  void (*destroy)(void* listener) noexcept;
  // One delivery. The context may be null where none is taken.
  Failure (*call)(void* listener, const void* event, Context* context);
  // The inline listeners among `cells` whose bits are set, lowest first. Throws what one of them
  // throws.
  using CallAll = void (*)(InlinePass& pass, void* cells, std::uint64_t listeners,
                           const void* event);
  CallAll call_all;
  // The events that `pass` brings. Null where a context is taken, or events are more than bytes.
  void (*call_each)(QueuedPass& pass, void* listener);

  template <class E, class F>
  static const ListenerOperations& Of();
};

// A listener's callable on its way in, still where its subscriber made it.
struct CallableHandle {
  void* callable;
  const ListenerOperations& operations;
  bool suspends = false;  // its deliveries may go on after it has returned

  template <class E, class F>
  static CallableHandle Of(F& f);
  // The same for one that calls what `inner` is of.
  template <class E, class F>
  static CallableHandle Around(F& f, const CallableHandle& inner) {
    return {&f, ListenerOperations::Of<E, F>(), inner.suspends};
  }
};

}  // namespace belfry
