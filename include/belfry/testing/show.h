// Events as texts.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

#if __has_include(<boost/describe.hpp>)
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#define BELFRY_TESTING_DESCRIBES 1
#endif

#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry::testing {

// How events of that type are shown from now on, wherever the library has only their address.
// Thread safety: any thread. Blocking: a short lock.
using ShowEvent = std::string (*)(const void* event);
BELFRY_EXPORT void ShowsAs(EventType type, ShowEvent show);
// The same, unless something has been said before.
BELFRY_EXPORT void ShowsByDefaultAs(EventType type, ShowEvent show);
// As it was said last; else the type's name and size.
BELFRY_EXPORT std::string Show(EventType type, const void* event);
// The last part of a declared name's or a C++ name's.
BELFRY_EXPORT std::string_view ShortName(EventType type);

// The fields of an event: by its description (Boost.Describe), else by its operator<<, else how
// many bytes it has. No addresses.
template <class E>
std::string ShowFields(const E& event) {
  [[maybe_unused]] const auto streams = [](const auto& e) requires requires(std::ostream & o) {
    o << e;
  }
  {
    std::ostringstream text;
    text << e;
    return text.str();
  };
#ifdef BELFRY_TESTING_DESCRIBES
  if constexpr (boost::describe::has_describe_members<E>::value) {
    using Members = boost::describe::describe_members<E, boost::describe::mod_any_access>;
    std::string text;
    boost::mp11::mp_for_each<Members>([&](auto member) {
      text += (text.empty() ? "" : ", ") + std::string(member.name) + ": " +
              ::testing::PrintToString(event.*member.pointer);
    });
    return "{" + text + "}";
  } else
#endif
      if constexpr (std::is_invocable_v<decltype(streams), const E&>) {
    return "{" + streams(event) + "}";
  } else {
    return "{" + std::to_string(sizeof(E)) + " bytes}";
  }
}

// Makes events of these types shown with their fields, unless ShowsAs has said how.
template <class... E>
void Shows() {
  (ShowsByDefaultAs(EventTypeOf<E>(),
                    [](const void* event) { return ShowFields(*static_cast<const E*>(event)); }),
   ...);
}

}  // namespace belfry::testing
