// Whether a configuration is what a plugin declares.
#pragma once

#include <string_view>

#include "absl/status/status.h"

#include "belfry/plugin_file.h"

namespace belfry {

// Errors: INVALID_ARGUMENT, naming each key that is missing, unknown or of another type.
absl::Status CheckConfig(const PluginNote& note, std::string_view json);

}  // namespace belfry
