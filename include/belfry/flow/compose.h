// Compositions: several low-level events that belong together become one business event.
//
//   belfry::Composition signed_up =
//       belfry::Compose<UserSignedUp>(dispatcher, {.name = "signup"})
//           .AllOf<UserStored, TemplateRead, MailAccepted>()
//           .By([](const auto& part) { return part.user; })
//           .Within(std::chrono::seconds(5))
//           .Emit([](const UserStored& stored, const TemplateRead&, const MailAccepted&) {
//             return UserSignedUp{stored.user};
//           })
//           .OnTimeout([](const belfry::GotParts&, const belfry::MissingParts& missing) {
//             return SignUpFailed{missing.front() + " did not come"};
//           })
//           .Undo<UserStored>([&](const UserStored& stored) { users.Remove(stored.user); })
//           .Start();
//
// Each key is a composition of its own, open from its first part until it is complete, its time is
// over, it is given up (Composer::Unless) or it is evicted (CompositionOptions::open_max,
// CompositionEvicted): exactly one of these.
// A part that has come already is passed over: the first one wins. What comes for a key that has
// ended is told as CompositionLate, as long as that is remembered (CompositionOptions::remember),
// and undone, if the others were.
//
// Thread safety: parts may be published on any threads. No callable runs under a lock; projections,
// filters and Emit run inside the publish, maybe on several threads at once, and must be quick.
// Order: parts of one key come in the order of their publishes.
// Failures: what a projection, a filter, a copy of a part or Emit throws is a failure of the
// composition's listener and is told as that (ListenerFailed); so is a refused publish of what it
// emits, but for one that lacks room, which is tried again until there is some.
// Cost: a part is copied; one that is open takes some 200 bytes beside them.
#pragma once

#include <cstddef>
#include <utility>

#include "belfry/check.h"
#include "belfry/dispatcher.h"
#include "belfry/flow/compose_over_time.h"
#include "belfry/flow/composer.h"
#include "belfry/flow/composition.h"
#include "belfry/flow/composition_events.h"
#include "belfry/flow/composition_parts.h"
#include "belfry/flow/composition_plan.h"
#include "belfry/flow/composition_shapes.h"

namespace belfry {

// What it is composed of; by time: compose_over_time.h.
template <class Result>
class [[nodiscard]] Composing : public ComposingOverTime<Result> {
 public:
  using ComposingOverTime<Result>::ComposingOverTime;

  // All of these, in any order: Emit(const E&...). See also Part.
  template <class... E>
  requires(sizeof...(E) > 0) Composer<Result, EachPartShape, E...> AllOf() && {
    return std::move(*this).AllOf(Part<E>{}...);
  }
  template <class... E>
  requires(sizeof...(E) > 0) Composer<Result, EachPartShape, E...> AllOf(Part<E>... part) && {
    return this->template Make<EachPartShape>(CompositionShape::kEach, sizeof...(E),
                                              std::move(part)...);
  }

  // The first one of these: Emit(const E&), for each E; a generic callable is one.
  //
  //   belfry::Composition answered = belfry::Compose<Answered>(dispatcher, {.name = "answer"})
  //                                      .AnyOf<CacheHit, RowRead>()
  //                                      .Emit([](const auto& e) { return Answered{e.text}; })
  //                                      .Start();
  template <class... E>
  requires(sizeof...(E) > 0) Composer<Result, OnePartShape, E...> AnyOf() && {
    return this->template Make<OnePartShape>(CompositionShape::kEach, 1, Part<E>{}...);
  }

  // The first `k` of these: Emit(const E*...), where what has not come is null.
  //
  //   belfry::Composition agreed =
  //       belfry::Compose<Agreed>(dispatcher, {.name = "quorum"})
  //           .NOf<LeftAcked, MiddleAcked, RightAcked>(2)
  //           .By([](const auto& acked) { return acked.write; })
  //           .Emit([](const LeftAcked* left, const MiddleAcked*, const RightAcked*) {
  //             return Agreed{left != nullptr};
  //           })
  //           .Start();
  template <class... E>
  requires(sizeof...(E) > 0) Composer<Result, SomePartsShape, E...> NOf(std::size_t k) && {
    BELFRY_CHECK(k > 0 && k <= sizeof...(E), "NOf needs a number of its parts");
    return this->template Make<SomePartsShape>(CompositionShape::kEach, k, Part<E>{}...);
  }

  // All of these, in this order: Emit(const E&...). Only the first one opens it; what is not the
  // next one is passed over.
  //
  //   belfry::Composition handed_over =
  //       belfry::Compose<HandedOver>(dispatcher, {.name = "handover"})
  //           .Sequence<Paid, Packed, Sent>()
  //           .By([](const auto& step) { return step.order; })
  //           .Emit([](const Paid& paid, const Packed&, const Sent&) {
  //             return HandedOver{paid.order};
  //           })
  //           .Start();
  template <class... E>
  requires(sizeof...(E) > 0) Composer<Result, EachPartShape, E...> Sequence() && {
    return std::move(*this).Sequence(Part<E>{}...);
  }
  template <class... E>
  requires(sizeof...(E) > 0) Composer<Result, EachPartShape, E...> Sequence(Part<E>... part) && {
    return this->template Make<EachPartShape>(CompositionShape::kSequence, sizeof...(E),
                                              std::move(part)...);
  }
};

template <class Result>
Composing<Result> Compose(Dispatcher& dispatcher, CompositionOptions options = {}) {
  return Composing<Result>(dispatcher, std::move(options));
}

}  // namespace belfry
