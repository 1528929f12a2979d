// How what has come of a composition is given to its Emit, with types.
//
// Users need nothing from this header.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "belfry/flow/composition_parts.h"

namespace belfry {

// What a callable returns, an event or none, as an optional.
template <class Result, class Returned>
std::optional<Result> Emitted(Returned&& returned) {
  static_assert(std::is_convertible_v<Returned, std::optional<Result>>,
                "Emit returns the event that is composed, or a std::optional of it");
  return std::forward<Returned>(returned);
}

// Each part: const E&...
struct EachPartShape {
  static constexpr bool kTimesOut = true;
  static constexpr bool kHasLimit = true;
  template <class Result, class... E, class F>
  static std::optional<Result> Emit(F& emit, const GotParts& got) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return Emitted<Result>(emit(*got.At<E>(I)...));
    }
    (std::index_sequence_for<E...>());
  }
};

// Those that have come: const E*..., null for the others.
struct SomePartsShape {
  static constexpr bool kTimesOut = true;
  static constexpr bool kHasLimit = true;
  template <class Result, class... E, class F>
  static std::optional<Result> Emit(F& emit, const GotParts& got) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return Emitted<Result>(emit(got.At<E>(I)...));
    }
    (std::index_sequence_for<E...>());
  }
};

// The one that has come: const E&, for each E.
struct OnePartShape {
  static constexpr bool kTimesOut = false;
  static constexpr bool kHasLimit = false;
  template <class Result, class... E, class F>
  static std::optional<Result> Emit(F& emit, const GotParts& got) {
    std::optional<Result> emitted;
    std::size_t index = 0;
    const auto call = [&]<class One>(const One* one) {
      if (one != nullptr) emitted = Emitted<Result>(emit(*one));
      ++index;
    };
    (call(got.At<E>(index)), ...);
    return emitted;
  }
};

// All of one part: const std::vector<const E*>&.
struct ManyPartsShape {
  static constexpr bool kTimesOut = false;
  static constexpr bool kHasLimit = true;
  template <class Result, class E, class F>
  static std::optional<Result> Emit(F& emit, const GotParts& got) {
    std::vector<const E*> events;
    const HeldPart* held = got.held().first();
    for (; held != nullptr; held = HeldParts::After(*held)) {
      events.push_back(static_cast<const E*>(held->event()));
    }
    return Emitted<Result>(emit(std::as_const(events)));
  }
};

// The last one: const E&.
struct LastPartShape : EachPartShape {
  static constexpr bool kTimesOut = false;
};
struct AbsentPartShape : LastPartShape {
  static constexpr bool kHasLimit = false;
};

// What began it, and the last one after that, if any: const Start&, const E*.
struct StartedShape {
  static constexpr bool kTimesOut = false;
  static constexpr bool kHasLimit = false;
  template <class Result, class Start, class E, class F>
  static std::optional<Result> Emit(F& emit, const GotParts& got) {
    return Emitted<Result>(emit(*got.At<Start>(0), got.At<E>(1)));
  }
};

}  // namespace belfry
