// Which of the kinds of belfry/plugin_event.h a field is. C++, for both sides of the border.
//
// Users need nothing from this header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "belfry/plugin_event.h"

namespace belfry {

// The element of an array, and how many; else the type itself, once.
template <class T>
struct FieldElements {
  using type = T;
  static constexpr std::uint32_t kCount = 1;
};
template <class T, std::size_t N>
struct FieldElements<T[N]> {
  using type = T;
  static constexpr std::uint32_t kCount = N;
};
template <class T, std::size_t N>
struct FieldElements<std::array<T, N>> {
  using type = T;
  static constexpr std::uint32_t kCount = N;
};

// Which of the kinds of belfry/plugin_event.h T is; 0: none. An enumeration is its number.
template <class T>
constexpr std::uint32_t FieldKind() {
  if constexpr (std::is_enum_v<T>) {
    return FieldKind<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return BELFRY_BOOL;
  } else if constexpr (std::is_same_v<T, char>) {
    return BELFRY_CHAR;
  } else if constexpr (std::is_integral_v<T> && sizeof(T) <= 8) {
    constexpr std::uint32_t kSigned = sizeof(T) == 1   ? BELFRY_I8
                                      : sizeof(T) == 2 ? BELFRY_I16
                                      : sizeof(T) == 4 ? BELFRY_I32
                                                       : BELFRY_I64;
    return std::is_signed_v<T> ? kSigned : kSigned + 1;
  } else if constexpr (std::is_same_v<T, float>) {
    return BELFRY_F32;
  } else if constexpr (std::is_same_v<T, double>) {
    return BELFRY_F64;
  } else {
    return 0;
  }
}

}  // namespace belfry
