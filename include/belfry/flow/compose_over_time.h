// Compositions of events of one type that come often, seldom, or no more. Part of compose.h.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "belfry/check.h"
#include "belfry/clock.h"
#include "belfry/dispatcher.h"
#include "belfry/event_type.h"
#include "belfry/flow/composer.h"
#include "belfry/flow/composition.h"
#include "belfry/flow/composition_parts.h"
#include "belfry/flow/composition_plan.h"
#include "belfry/flow/composition_shapes.h"

namespace belfry {

template <class Result>
class [[nodiscard]] ComposingOverTime {
 public:
  ComposingOverTime(Dispatcher& dispatcher, CompositionOptions options)
      : dispatcher_(dispatcher),
        plan_{.options = std::move(options), .emits = EventTypeOf<Result>()} {}

  // `n` of these; with Within(d) such as came within d of each other, whenever that began:
  // Emit(const std::vector<const E*>&). Counting begins again then.
  //
  //   belfry::Composition attacks =
  //       belfry::Compose<Attacked>(dispatcher, {.name = "attack"})
  //           .Count<LogInFailed>(3)
  //           .By([](const LogInFailed& failed) { return failed.user; })
  //           .Within(std::chrono::minutes(1))
  //           .Emit([](const std::vector<const LogInFailed*>& failed) {
  //             return Attacked{failed.front()->user};
  //           })
  //           .Start();
  template <class E>
  Composer<Result, ManyPartsShape, E> Count(std::size_t n, Part<E> part = {}) && {
    BELFRY_CHECK(n > 0, "Count needs a number of events");
    return Make<ManyPartsShape>(CompositionShape::kCount, n, std::move(part));
  }

  // None of these for so long: Emit(const E& last). It begins with the first one, and each one
  // begins it again.
  //
  //   belfry::Composition lost =
  //       belfry::Compose<ServerLost>(dispatcher, {.name = "heartbeat"})
  //           .Absent<Heartbeat>(std::chrono::seconds(10))
  //           .By([](const Heartbeat& beat) { return beat.server; })
  //           .Emit([](const Heartbeat& last) { return ServerLost{last.server}; })
  //           .Start();
  template <class E>
  Composer<Result, AbsentPartShape, E> Absent(Nanoseconds within, Part<E> part = {}) && {
    return MakeQuiet<AbsentPartShape>(within, std::move(part));
  }
  // The same, beginning with a Start and no E: Emit(const Start&, const E* last), null if none
  // came.
  template <class Start, class E>
  Composer<Result, StartedShape, Start, E> AbsentAfter(Nanoseconds within) && {
    return MakeQuiet<StartedShape>(within, Part<Start>{}, Part<E>{});
  }

  // The last one of these, when no other one has come for so long: Emit(const E& last). With
  // Within(d) at the latest d after the first one.
  //
  //   belfry::Composition settled = belfry::Compose<SearchWanted>(dispatcher, {.name = "search"})
  //                                     .Debounce<Typed>(std::chrono::milliseconds(300))
  //                                     .By([](const Typed& typed) { return typed.field; })
  //                                     .Emit([](const Typed& last) {
  //                                       return SearchWanted{last.text};
  //                                     })
  //                                     .Start();
  template <class E>
  Composer<Result, LastPartShape, E> Debounce(Nanoseconds quiet, Part<E> part = {}) && {
    return MakeQuiet<LastPartShape>(quiet, std::move(part));
  }

 protected:
  template <class Shape, class... E>
  Composer<Result, Shape, E...> Make(CompositionShape shape, std::size_t needed, Part<E>... part) {
    static_assert(sizeof...(E) <= 64, "a composition has at most 64 parts");
    plan_.shape = shape;
    plan_.needed = needed;
    (plan_.parts.push_back(PartPlan::Of(std::move(part))), ...);
    return {dispatcher_, std::move(plan_)};
  }

 private:
  template <class Shape, class... E>
  Composer<Result, Shape, E...> MakeQuiet(Nanoseconds quiet, Part<E>... part) {
    BELFRY_CHECK(quiet > Nanoseconds::zero(), "no time is no quiet");
    plan_.quiet = quiet;
    return Make<Shape>(CompositionShape::kQuiet, 0, std::move(part)...);
  }

  Dispatcher& dispatcher_;
  CompositionPlan plan_;
};

}  // namespace belfry
