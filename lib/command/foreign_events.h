// What hosts that know no event types do for the plugins that they load.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "belfry/plugin_file.h"
#include "belfry/plugin_host.h"

namespace belfry::command {

// Exposes each event that one of the notes names, once, as foreign: of its newest schema version.
void ExposeForeign(PluginHost& host, const std::vector<PluginNote>& notes);

// A level of belfry/plugin.h: "info", "warning" or "error".
std::string_view LogLevelName(std::uint32_t level);

}  // namespace belfry::command
