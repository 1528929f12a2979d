// The rim between typed listeners and the code that knows no types.
//
// Users need nothing from this header but the rule for signatures in Dispatcher::Subscribe.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

#include "belfry/context.h"
#include "belfry/export.h"
#include "belfry/failure.h"
#include "belfry/inline_pass.h"
#include "belfry/listener_operations.h"
#include "belfry/queued_pass.h"
#include "belfry/returned_events.h"
#include "belfry/site.h"
#include "belfry/status_fwd.h"
#include "belfry/suspended_delivery.h"

namespace belfry {

BELFRY_EXPORT Failure FailureOf(const absl::Status& status);

template <class E, class F>
struct TypedListener {
  static constexpr bool kTakesContext = std::is_invocable_v<F&, const E&, Context&>;
  static_assert(kTakesContext || std::is_invocable_v<F&, const E&>,
                "a listener is a callable for (const E&) or (const E&, Context&)");
  static_assert(std::is_nothrow_destructible_v<F>, "a listener's destructor must not throw");

  template <class... C>
  static Failure Invoke(F& listener, const E& event, C&... context) {
    using Result = std::remove_cvref_t<std::invoke_result_t<F&, const E&, C&...>>;
    if constexpr (std::is_void_v<Result>) {
      std::invoke(listener, event, context...);
      return {};
    } else if constexpr (std::is_same_v<Result, Failure>) {
      return std::invoke(listener, event, context...);
    } else if constexpr (std::is_same_v<Result, absl::Status>) {
      return FailureOf(std::invoke(listener, event, context...));
    } else if constexpr (kIsSuspendable<Result>) {
      return BeginSuspendable(Suspendable<Result>::Of(std::invoke(listener, event, context...)));
    } else {
      auto returned = std::invoke(listener, event, context...);
      return PublishReturned(returned);
    }
  }

  static constexpr bool Suspends() {
    if constexpr (kTakesContext) {
      return kIsSuspendable<std::remove_cvref_t<std::invoke_result_t<F&, const E&, Context&>>>;
    } else {
      return kIsSuspendable<std::remove_cvref_t<std::invoke_result_t<F&, const E&>>>;
    }
  }

  static Failure Call(void* listener, const void* event, [[maybe_unused]] Context* context) {
    F& typed = *static_cast<F*>(listener);
    if constexpr (kTakesContext) {
      return Invoke(typed, *static_cast<const E*>(event), *context);
    } else {
      return Invoke(typed, *static_cast<const E*>(event));
    }
  }

  static void CallEach(QueuedPass& pass, void* listener) {
    if constexpr (!kTakesContext) {
      F& typed = *static_cast<F*>(listener);
      while (const void* const event = pass.Next()) {
        if (const Failure failure = Invoke(typed, *static_cast<const E*>(event))) {
          pass.Failed(failure);
        }
      }
    }
  }

  static void CallAll(InlinePass& pass, void* cells, std::uint64_t listeners,
                      const void* untyped_event) {
    const E& event = *static_cast<const E*>(untyped_event);
    const InlineCells& group = pass.cells();
    const std::uint64_t seen = pass.seen();
    // Run by run of neighbours.
    for (unsigned index = 0; listeners != 0;) {
      const auto skipped = static_cast<unsigned>(std::countr_zero(listeners));
      const auto run = static_cast<unsigned>(std::countr_one(listeners >> skipped));
      index += skipped;
      F* listener = static_cast<F*>(cells) + index;
      for (F* const end = listener + run; listener != end; ++listener, ++index) {
        if (!pass.Enter(listener, group, seen) && !pass.StillCalls(index)) continue;
        if constexpr (kTakesContext) {
          Context context = pass.MakeContext(index);
          if (const Failure failure = Invoke(*listener, event, context)) pass.Failed(failure);
        } else {
          if (const Failure failure = Invoke(*listener, event)) pass.Failed(failure);
        }
      }
      listeners = listeners >> (skipped + run - 1) >> 1;
    }
  }
};

template <class E, class F>
CallableHandle CallableHandle::Of(F& f) {
  return {&f, ListenerOperations::Of<E, F>(), TypedListener<E, F>::Suspends()};
}

template <class E, class F>
const ListenerOperations& ListenerOperations::Of() {
  constexpr bool kCallsEach =
      std::is_trivially_copyable_v<E> && !TypedListener<E, F>::kTakesContext;
  static constexpr ListenerOperations kOperations{
      sizeof(F),
      alignof(F),
      TypedListener<E, F>::kTakesContext,
      std::is_trivially_copyable_v<F>,
      std::is_trivially_destructible_v<F>,
      [](void* from, void* to) { ::new (to) F(std::move(*static_cast<F*>(from))); },
      [](void* listener) noexcept { static_cast<F*>(listener)->~F(); },
      TypedListener<E, F>::Call,
      TypedListener<E, F>::CallAll,
      kCallsEach ? TypedListener<E, F>::CallEach : nullptr};
  return kOperations;
}

}  // namespace belfry
