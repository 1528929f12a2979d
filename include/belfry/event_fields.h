// The fields of a described type as they lie in memory, for events that cross to plugins as views.
//
// Users need nothing from this header: see exposed_event.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <boost/mp11/algorithm.hpp>

#include "belfry/json_value.h"
#include "belfry/plugin_event.h"

namespace belfry {

// The element of an array, and how many; else the type itself, once.
template <class T>
struct FieldElements {
  using type = T;
  static constexpr std::uint32_t kCount = 1;
};
template <class T, std::size_t kSize>
struct FieldElements<T[kSize]> {
  using type = T;
  static constexpr std::uint32_t kCount = kSize;
};
template <class T, std::size_t kSize>
struct FieldElements<std::array<T, kSize>> {
  using type = T;
  static constexpr std::uint32_t kCount = kSize;
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

// The described fields of E, in the description's order; none if E is no plain bytes, or one of its
// fields is none of these kinds. Throws std::bad_alloc.
template <Described E>
std::vector<belfry_field> FieldsOf() {
  std::vector<belfry_field> fields;
  if constexpr (std::is_trivially_copyable_v<E> && std::is_standard_layout_v<E>) {
    const E event{};
    bool all = true;
    boost::mp11::mp_for_each<DescribedMembers<E>>([&](auto member) {
      using Field = std::remove_cvref_t<decltype(event.*member.pointer)>;
      using Elements = FieldElements<Field>;
      const auto* const begin = reinterpret_cast<const std::byte*>(&event);
      const auto* const at = reinterpret_cast<const std::byte*>(&(event.*member.pointer));
      fields.push_back({{member.name, std::strlen(member.name)},
                        static_cast<std::uint64_t>(at - begin),
                        FieldKind<typename Elements::type>(),
                        Elements::kCount});
      all = all && fields.back().kind != 0;
    });
    if (!all) fields.clear();
  }
  return fields;
}

}  // namespace belfry
