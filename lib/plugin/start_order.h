// In which order plugins are started.
#pragma once

#include <vector>

#include "absl/status/statusor.h"

#include "belfry/plugin_file.h"

namespace belfry {

// Whoever listens to an event comes before whoever else publishes it, so that nothing is published
// before its listener is there; else the order is as given.
// Errors: FAILED_PRECONDITION: a cycle, with its plugins and their events.
absl::StatusOr<std::vector<const PluginNote*>> StartOrder(std::vector<const PluginNote*> plugins);

}  // namespace belfry
