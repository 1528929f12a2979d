// Events that cross as the C++ objects that they are, without a copy on their way to a listener:
// where host and plugin were compiled with the same compiler, standard library and Belfry
// (cxx_abi.h), and share the header of the event.
//
//   const auto greeted = host.Find(belfry::plugin::Object<Greeted>("shop.greeted", 1));
//   host.Listen("guests", greeted, [this](const Greeted& event) { Welcome(event.whom); });
//   greeted.Publish(Greeted{"ada"});
//
// Elsewhere Find throws Error (BELFRY_FAILED_PRECONDITION), which says what differs: use JSON.
#pragma once

#include <cstdint>
#include <string_view>

#include "belfry/cxx_abi.h"
#include "belfry/plugin.hpp"

namespace belfry::plugin {

// Publish copies the event, on the host's side. Any thread, as long as the plugin is started.
// Throws Error.
template <class E>
class ObjectType : public EventType {
 public:
  using EventType::EventType;
  static constexpr std::uint32_t kForm = BELFRY_OBJECT;
  static const E& Of(const belfry_event& event) { return *static_cast<const E*>(event.data); }

  void Publish(const E& event) const { EventType::Publish(kForm, &event, sizeof(event)); }
};

template <class E>
class Object {
 public:
  using Type = ObjectType<E>;

  Object(std::string_view name, std::uint32_t schema_version)
      : name_(name), schema_version_(schema_version) {}

  belfry_event_description description() const {
    return {sizeof(belfry_event_description),
            TextOf(name_),
            schema_version_,
            0,
            nullptr,
            sizeof(E),
            alignof(E),
            {kCxxAbi, sizeof(kCxxAbi) - 1}};
  }

 private:
  std::string_view name_;
  std::uint32_t schema_version_;
};

}  // namespace belfry::plugin
