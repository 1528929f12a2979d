// What is said of a composition after its parts: by what they belong together, in which time, and
// what comes of it. See compose.h.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "belfry/check.h"
#include "belfry/flow/composition.h"
#include "belfry/flow/composition_plan.h"
#include "belfry/flow/composition_shapes.h"
#include "belfry/site.h"

namespace belfry {

// Thread safety: one thread. Lifetime: the dispatcher's is longer.
template <class Result, class Shape, class... E>
class [[nodiscard]] Composer {
 public:
  Composer(Dispatcher& dispatcher, CompositionPlan plan)
      : dispatcher_(dispatcher), plan_(std::move(plan)) {}

  // Parts with equal keys belong together: a projection for each part, as they are listed, or one
  // callable for all. A key is a number, an enumerator, a text or an EventId. Without By those with
  // the same correlation id do. Called on the publishing thread, on several at once.
  template <class... F>
  Composer&& By(F... key) && {
    static_assert(sizeof...(F) == sizeof...(E) || sizeof...(F) == 1,
                  "a key for each part, or one for all of them");
    std::size_t index = 0;
    if constexpr (sizeof...(F) == sizeof...(E)) {
      (SetKey<E>(index++, std::move(key)), ...);
    } else {
      (SetKey<E>(index++, key...), ...);
    }
    return std::move(*this);
  }

  // The time it has, from the arrival of its first part on, by the dispatcher's clock. Never early.
  // Until its time-out is handled a part still counts.
  Composer&& Within(Nanoseconds limit) && {
    static_assert(Shape::kHasLimit, "this composition has no limit");
    BELFRY_CHECK(limit > Nanoseconds::zero(), "a composition was given no time");
    plan_.within = limit;
    return std::move(*this);
  }

  // What is published when it is complete: returned by `emit`, or nothing if that is an empty
  // std::optional. Linked to all parts, caused by the last one, part of their story if it is one.
  // Called once, under no lock: on the thread that published the last part, inside that publish;
  // for Absent and Debounce on the executor.
  template <class F>
  Composer&& Emit(F emit) && {
    plan_.emit = [emit = std::move(emit)](const GotParts& got, const Publisher& publisher,
                                          const Cause& cause) mutable {
      return PublishOptional(Shape::template Emit<Result, E...>(emit, got), got, publisher, cause);
    };
    return std::move(*this);
  }

  // Called on the executor, when not all have come in time; what it returns, an event, a
  // std::optional of one, or nothing, is published in the same way.
  template <class F>
  Composer&& OnTimeout(F told) && {
    static_assert(Shape::kTimesOut, "this composition does not time out");
    plan_.on_timeout = [told = std::move(told)](const GotParts& got, const MissingParts& missing,
                                                const Publisher& publisher,
                                                const Cause& cause) mutable {
      if constexpr (std::is_void_v<decltype(told(got, missing))>) {
        told(got, missing);
        return PublishResult();
      } else {
        return PublishOptional(std::optional(told(got, missing)), got, publisher, cause);
      }
    };
    return std::move(*this);
  }

  // An event with the parts' key that gives it up: then it is neither complete nor times out, and
  // what comes after that is late. `key` as in By; none where the parts have none.
  template <class End, class... F>
  Composer&& Unless(F... key) && {
    static_assert(Shape::kTimesOut, "this composition cannot be given up");
    static_assert(sizeof...(F) <= 1, "one key");
    plan_.parts.push_back(PartPlan::Of(Part<End>{}));
    plan_.parts.back().gives_up = true;
    (SetKey<End>(plan_.parts.size() - 1, std::move(key)), ...);
    return std::move(*this);
  }

  // Undoes what P, which has come, says was done, if it is not to be complete: it timed out, was
  // given up or evicted, or Emit failed; and a P that comes after such an end. In reverse order of
  // arrival, one after the other, on the executor. May return a Status. What it fails on is a dead
  // letter, and those before it are undone all the same.
  template <class P, class F>
  Composer&& Undo(F undo) && {
    static_assert((std::is_same_v<P, E> || ...), "only what is a part can be undone");
    for (PartPlan& part : plan_.parts) {
      if (part.type != EventTypeOf<P>()) continue;
      part.undo = [undo](const void* event) mutable {
        return TypedListener<P, F>::Invoke(undo, *static_cast<const P*>(event));
      };
    }
    return std::move(*this);
  }

  // From now on its parts are listened to. Errors: the composition is empty and its status() says
  // why. Throws std::bad_alloc, with nothing started.
  Composition Start(Site site = Site::Here()) && {
    return CompositionPlan::Start(dispatcher_, std::move(plan_), site);
  }

 private:
  template <class P, class F>
  void SetKey(std::size_t index, F key) {
    plan_.parts[index].key = [key = std::move(key)](const void* event) {
      return MakeCompositionKey(std::invoke(key, *static_cast<const P*>(event)));
    };
  }

  template <class Event>
  static PublishResult PublishOptional(std::optional<Event> event, const GotParts& got,
                                       const Publisher& publisher, const Cause& cause) {
    if (!event.has_value()) return {};
    return PublishNowOrLater(publisher, std::move(*event), [&] {
      return PublishOptions{.cause = cause, .links = got.held().ids()};
    });
  }

  Dispatcher& dispatcher_;
  CompositionPlan plan_;
};

}  // namespace belfry
