#include "command/foreign_events.h"

#include <algorithm>
#include <map>
#include <string>

#include "belfry/foreign_event.h"
#include "belfry/plugin.h"

namespace belfry::command {

void ExposeForeign(PluginHost& host, const std::vector<PluginNote>& notes) {
  std::map<std::string, std::uint32_t> versions;
  for (const PluginNote& note : notes) {
    for (const auto* events : {&note.listens, &note.publishes}) {
      for (const PluginNote::Event& event : *events) {
        std::uint32_t& version = versions[event.name];
        version = std::max(version, event.schema_version);
      }
    }
  }
  for (const auto& [name, version] : versions) host.Expose(Foreign(name, version));
}

std::string_view LogLevelName(std::uint32_t level) {
  if (level == BELFRY_LOG_ERROR) return "error";
  return level == BELFRY_LOG_WARNING ? "warning" : "info";
}

}  // namespace belfry::command
