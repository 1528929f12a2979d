// The fields of a described type as they lie in memory, for events that cross to plugins as views.
//
// Users need nothing from this header: see exposed_event.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <boost/mp11/algorithm.hpp>

#include "belfry/field_kind.h"
#include "belfry/json_value.h"
#include "belfry/plugin_event.h"

namespace belfry {

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
