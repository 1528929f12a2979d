#include "plugin/exposed_events.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "belfry/check.h"
#include "plugin/border.h"
#include "plugin/complaints.h"

namespace belfry {
namespace {

constexpr std::uint32_t kFieldsMax = 4096;

std::string KindName(const belfry_field& field) {
  static constexpr const char* kNames[] = {"?",   "bool", "char", "i8",  "u8",  "i16", "u16",
                                           "i32", "u32",  "i64",  "u64", "f32", "f64"};
  const std::string name = field.kind < std::size(kNames) ? kNames[field.kind] : "?";
  return name + (field.count == 1 ? "" : "[" + std::to_string(field.count) + "]") + " at " +
         std::to_string(field.offset);
}

const belfry_field* FindField(const belfry_field* fields, std::size_t size, std::string_view name) {
  for (std::size_t i = 0; i < size; ++i) {
    if (ViewOf(fields[i].name) == name) return &fields[i];
  }
  return nullptr;
}

void CompareSizes(const belfry_event_description& plugins, const PluginBridge& hosts,
                  Complaints& complaints) {
  const auto differ = [&](const char* what, std::uint64_t plugin, std::uint64_t host) {
    if (plugin == host) return;
    complaints.Add(absl::StatusCode::kFailedPrecondition,
                   what + (" " + std::to_string(plugin)) + ", the host's " + std::to_string(host));
  };
  differ("schema version", plugins.schema_version, hosts.schema_version);
  differ("size", plugins.event_size, hosts.type.size());
  differ("alignment", plugins.event_alignment, hosts.type.alignment());
}

void CompareFields(const belfry_event_description& plugins, const std::vector<belfry_field>& hosts,
                   Complaints& complaints) {
  const auto differ = [&](std::string_view name, const std::string& plugin,
                          const std::string& host) {
    if (plugin == host) return;
    complaints.Add(absl::StatusCode::kFailedPrecondition,
                   "field " + std::string(name) + " is " + plugin + ", the host's " + host);
  };
  for (const belfry_field& host : hosts) {
    const std::string_view name = ViewOf(host.name);
    const belfry_field* const plugin = FindField(plugins.fields, plugins.fields_size, name);
    differ(name, plugin == nullptr ? "not there" : KindName(*plugin), KindName(host));
  }
  for (std::uint32_t i = 0; i < plugins.fields_size; ++i) {
    const std::string_view name = ViewOf(plugins.fields[i].name);
    if (FindField(hosts.data(), hosts.size(), name) != nullptr) continue;
    differ(name, KindName(plugins.fields[i]), "not there");
  }
}

}  // namespace

void ExposedEvents::Add(PluginBridge bridge) {
  BELFRY_CHECK(!bridge.name.empty() && bridge.schema_version > 0,
               "an event type without a declared name (BELFRY_EVENT_NAME) was exposed");
  std::string name = bridge.name;
  const sync::Lock lock(mutex_);
  const bool added = bridges_.emplace(std::move(name), std::move(bridge)).second;
  BELFRY_CHECK(added, "an event type was exposed twice");
}

const PluginBridge* ExposedEvents::Find(std::string_view name) const {
  const sync::Lock lock(mutex_);
  const auto found = bridges_.find(name);
  return found == bridges_.end() ? nullptr : &found->second;
}

std::vector<const PluginBridge*> ExposedEvents::All() const {
  const sync::Lock lock(mutex_);
  std::vector<const PluginBridge*> all;
  for (const auto& [name, bridge] : bridges_) all.push_back(&bridge);
  return all;
}

std::string ExposedEvents::Names() const {
  const sync::Lock lock(mutex_);
  std::string names;
  for (const auto& [name, bridge] : bridges_) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

belfry_event_description Described(const PluginBridge& bridge) {
  const bool as_view = !bridge.fields.empty();
  return {sizeof(belfry_event_description),
          TextOf(bridge.name),
          bridge.schema_version,
          static_cast<std::uint32_t>(bridge.fields.size()),
          as_view ? bridge.fields.data() : nullptr,
          as_view ? bridge.type.size() : 0,
          as_view ? bridge.type.alignment() : 0,
          {nullptr, 0}};
}

absl::Status CompareLayouts(const belfry_event_description& plugins, const PluginBridge& hosts) {
  const std::string& name = hosts.name;
  if (plugins.fields == nullptr || plugins.fields_size > kFieldsMax) {
    return absl::InvalidArgumentError(name + ": " + std::to_string(plugins.fields_size) +
                                      " fields are said to be there");
  }
  Complaints complaints;
  if (hosts.fields.empty()) {
    complaints.Add(absl::StatusCode::kFailedPrecondition,
                   "the plugin wants it as it lies in memory, the host gives it as JSON only");
  } else {
    CompareSizes(plugins, hosts, complaints);
    CompareFields(plugins, hosts.fields, complaints);
  }
  if (complaints.empty()) return absl::OkStatus();
  complaints.Add(absl::StatusCode::kFailedPrecondition,
                 "describe it as the host does, or without fields, to get it as JSON");
  return complaints.status(name);
}

absl::Status CompareObjects(const belfry_event_description& plugins, const PluginBridge& hosts) {
  if (hosts.object_abi.empty()) {
    return absl::FailedPreconditionError(hosts.name +
                                         ": the host does not give it as a C++ object");
  }
  Complaints complaints;
  CompareSizes(plugins, hosts, complaints);
  if (ViewOf(plugins.object_abi) != hosts.object_abi) {
    complaints.Add(absl::StatusCode::kFailedPrecondition,
                   "C++ ABI \"" + std::string(ViewOf(plugins.object_abi).substr(0, 500)) +
                       "\", the host's \"" + std::string(hosts.object_abi) +
                       "\": compile it alike, or use JSON");
  }
  return complaints.status(hosts.name);
}

}  // namespace belfry
