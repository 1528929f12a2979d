// What says which parts belong together: a composition's key.
//
// Users need nothing from this header but what a key may be.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "belfry/event_id.h"
#include "belfry/export.h"

namespace belfry {

// A correlation id, a number or a text. Numbers of different types are equal if their values are;
// negative ones have an alternative of their own.
using CompositionKey = std::variant<EventId, std::uint64_t, std::int64_t, std::string>;

// "4f1c9a02d3e7b856-12", "-7", or the text.
BELFRY_EXPORT std::string ToString(const CompositionKey& key);

template <class T>
CompositionKey MakeCompositionKey(T&& value) {
  using Key = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<Key, EventId>) {
    return value;
  } else if constexpr (std::is_enum_v<Key>) {
    return MakeCompositionKey(static_cast<std::underlying_type_t<Key>>(value));
  } else if constexpr (std::is_integral_v<Key> && std::is_signed_v<Key>) {
    if (value < 0) return static_cast<std::int64_t>(value);
    return static_cast<std::uint64_t>(value);
  } else if constexpr (std::is_integral_v<Key>) {
    return static_cast<std::uint64_t>(value);
  } else if constexpr (std::is_constructible_v<std::string, T>) {
    return std::string(std::forward<T>(value));
  } else {
    static_assert(std::is_convertible_v<T, std::string_view>,
                  "the key of a composition is a number, an enumerator, a text or an EventId");
    return std::string(std::string_view(value));
  }
}

}  // namespace belfry
