// Event types, as C++ plugins describe and publish them.
//
// Part of belfry/plugin.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "belfry/field_kind.h"
#include "belfry/plugin.h"
#include "belfry/plugin_call.h"

namespace belfry::plugin {

// An event that crosses as it lies in memory: its name, schema version and fields, as the host
// declares them.
template <class E>
class ViewType;
template <class E>
class View {
  static_assert(std::is_trivially_copyable_v<E> && std::is_standard_layout_v<E>,
                "only plain bytes cross as a view: use JSON");

 public:
  using Type = ViewType<E>;

  View(std::string_view name, std::uint32_t schema_version)
      : name_(name), schema_version_(schema_version) {}

  // `name` is a literal.
  template <class T>
  View& Field(std::string_view name, T E::*member) {
    using Elements = FieldElements<T>;
    static_assert(FieldKind<typename Elements::type>() != 0, "no kind of belfry/plugin_event.h");
    const E event{};
    const auto* const begin = reinterpret_cast<const char*>(&event);
    const auto* const at = reinterpret_cast<const char*>(&(event.*member));
    fields_.push_back({TextOf(name), static_cast<std::uint64_t>(at - begin),
                       FieldKind<typename Elements::type>(), Elements::kCount});
    return *this;
  }
  belfry_event_description description() const {
    return {sizeof(belfry_event_description),
            TextOf(name_),
            schema_version_,
            static_cast<std::uint32_t>(fields_.size()),
            fields_.data(),
            sizeof(E),
            alignof(E),
            {nullptr, 0}};
  }

 private:
  std::string_view name_;
  std::uint32_t schema_version_;
  std::vector<belfry_field> fields_;
};

// An event that the host knows. A value. Lifetime: the host's.
class EventType {
 public:
  EventType(const belfry_host& host, const belfry_event_type* type) : host_(&host), type_(type) {}
  const belfry_event_type* get() const { return type_; }

 protected:
  void Publish(std::uint32_t form, const void* data, std::size_t size) const {
    CallHost([&](belfry_error* error) {
      return host_->publish(host_->context, type_, form, data, size, error);
    });
  }

 private:
  const belfry_host* host_;
  const belfry_event_type* type_;
};

// Publish: any thread, as long as the plugin is started. Throws Error.
template <class E>
class ViewType : public EventType {
 public:
  using EventType::EventType;
  static constexpr std::uint32_t kForm = BELFRY_VIEW;
  static const E& Of(const belfry_event& event) { return *static_cast<const E*>(event.data); }

  void Publish(const E& event) const { EventType::Publish(kForm, &event, sizeof(event)); }
};
class JsonType : public EventType {
 public:
  using EventType::EventType;
  static constexpr std::uint32_t kForm = BELFRY_JSON;
  static std::string_view Of(const belfry_event& event) {
    return {static_cast<const char*>(event.data), event.data_size};
  }

  void Publish(std::string_view json) const { EventType::Publish(kForm, json.data(), json.size()); }
};

}  // namespace belfry::plugin
