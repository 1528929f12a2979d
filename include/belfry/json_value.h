// Values of described types as values of Boost.JSON.
//
// Users need nothing from this header: see describe.h.
#pragma once

#include <concepts>
#include <iterator>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/describe/members.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>

namespace belfry {

template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;
template <class T>
inline constexpr bool kIsOptionalField = false;
template <class T>
inline constexpr bool kIsOptionalField<std::optional<T>> = true;
template <class T>
concept JsonMap =
    std::ranges::range<T> && std::convertible_to<typename T::key_type, std::string> && requires {
  typename T::mapped_type;
};

template <class T>
using DescribedMembers = boost::describe::describe_members<T, boost::describe::mod_public |
                                                                  boost::describe::mod_inherited>;

// Text in a fixed place: up to its first zero, or its end.
template <class T>
concept CharArray =
    (std::is_array_v<T> || requires(T & t) { std::tuple_size<T>::value; }) &&
    std::same_as<std::remove_cvref_t<decltype(*std::begin(std::declval<T&>()))>, char>;

// Throws std::bad_alloc.
template <class T>
boost::json::value JsonValueOf(const T& from) {
  if constexpr (Described<T>) {
    boost::json::object object;
    boost::mp11::mp_for_each<DescribedMembers<T>>([&](auto member) {
      const auto& field = from.*member.pointer;
      if constexpr (kIsOptionalField<std::remove_cvref_t<decltype(field)>>) {
        if (field) object[member.name] = JsonValueOf(*field);
      } else {
        object[member.name] = JsonValueOf(field);
      }
    });
    return object;
  } else if constexpr (kIsOptionalField<T>) {
    return from ? JsonValueOf(*from) : boost::json::value(nullptr);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(from);
  } else if constexpr (CharArray<T>) {
    const std::string_view all(std::data(from), std::size(from));
    return boost::json::value(all.substr(0, all.find('\0')));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return boost::json::value(std::string_view(from));
  } else if constexpr (JsonMap<T>) {
    boost::json::object object;
    for (const auto& [key, value] : from) object[std::string(key)] = JsonValueOf(value);
    return object;
  } else if constexpr (std::ranges::range<const T>) {
    boost::json::array array;
    for (const auto& element : from) {
      array.push_back(JsonValueOf<std::ranges::range_value_t<T>>(element));
    }
    return array;
  } else {
    static_assert(std::is_arithmetic_v<T>, "a field that has no form in JSON: describe its type");
    return boost::json::value(from);
  }
}

}  // namespace belfry
