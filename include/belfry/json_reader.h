// Values of described types, read from values of Boost.JSON.
//
// Users need nothing from this header: see describe.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/kind.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>

#include "belfry/json_value.h"

namespace belfry {

template <class T>
std::string ReadJsonEntries(const boost::json::object& from, T& to);
template <class T>
std::string ReadJsonElements(const boost::json::array& from, T& to);

// "" or what is wrong, and where, as a JSON pointer: "/items/2/price: is a string, ...".
template <class T>
std::string ReadJsonValue(const boost::json::value& from, T& to) {
  const auto unfit = [&](std::string_view wanted) {
    return ": is of kind " + std::string(boost::json::to_string(from.kind())) + ", wanted is " +
           std::string(wanted);
  };
  if constexpr (Described<T>) {
    if (!from.is_object()) return unfit("an object");
    std::string complaint;
    boost::mp11::mp_for_each<DescribedMembers<T>>([&](auto member) {
      if (!complaint.empty()) return;
      auto& field = to.*member.pointer;
      const boost::json::value* const value = from.get_object().if_contains(member.name);
      if (value != nullptr) {
        complaint = ReadJsonValue(*value, field);
      } else if (!kIsOptionalField<std::remove_cvref_t<decltype(field)>>) {
        complaint = ": is missing";
      }
      if (!complaint.empty()) complaint.insert(0, std::string("/") + member.name);
    });
    return complaint;
  } else if constexpr (kIsOptionalField<T>) {
    if (from.is_null()) return to.reset(), "";
    return ReadJsonValue(from, to.emplace());
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    std::string complaint = ReadJsonValue(from, number);
    if (complaint.empty()) to = static_cast<T>(number);
    return complaint;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!from.is_bool()) return unfit("a bool");
    to = from.get_bool();
    return "";
  } else if constexpr (std::is_arithmetic_v<T>) {
    boost::json::error_code error;
    to = from.to_number<T>(error);
    if (error) return unfit("a number that fits into " + std::to_string(8 * sizeof(T)) + " bits");
    return "";
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!from.is_string()) return unfit("a string");
    to = std::string_view(from.get_string());
    return "";
  } else if constexpr (CharArray<T>) {
    const std::size_t room = std::size(to);
    if (!from.is_string() || from.get_string().size() > room) {
      return unfit("a string of at most " + std::to_string(room) + " bytes");
    }
    std::fill_n(std::begin(to), room, '\0');
    std::ranges::copy(from.get_string(), std::begin(to));
    return "";
  } else if constexpr (JsonMap<T>) {
    if (!from.is_object()) return unfit("an object");
    return ReadJsonEntries(from.get_object(), to);
  } else {
    if (!from.is_array()) return unfit("an array");
    return ReadJsonElements(from.get_array(), to);
  }
}

template <class T>
std::string ReadJsonEntries(const boost::json::object& from, T& to) {
  to.clear();
  for (const auto& [key, value] : from) {
    typename T::mapped_type entry{};
    const std::string complaint = ReadJsonValue(value, entry);
    if (!complaint.empty()) return "/" + std::string(key) + complaint;
    to.emplace(std::string(key), std::move(entry));
  }
  return "";
}

template <class T>
std::string ReadJsonElements(const boost::json::array& from, T& to) {
  constexpr bool kGrows = requires { to.emplace_back(); };
  if constexpr (kGrows) {
    to.clear();
  } else if (from.size() != std::size(to)) {
    return ": has " + std::to_string(from.size()) + " elements, wanted are " +
           std::to_string(std::size(to));
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::ranges::range_value_t<T> element{};
    const std::string complaint = ReadJsonValue(from[i], element);
    if (!complaint.empty()) return "/" + std::to_string(i) + complaint;
    if constexpr (kGrows) {
      to.push_back(std::move(element));
    } else {
      std::begin(to)[i] = std::move(element);
    }
  }
  return "";
}

}  // namespace belfry
