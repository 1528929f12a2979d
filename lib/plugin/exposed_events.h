// The event types that a host has made known to its plugins.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "belfry/plugin_bridge.h"
#include "belfry/plugin_event.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread. Lifetime: a bridge stays where it is.
class ExposedEvents {
 public:
  void Add(PluginBridge bridge);
  // Null: there is none.
  const PluginBridge* Find(std::string_view name) const;
  // In the order of their names.
  std::vector<const PluginBridge*> All() const;
  // For messages: "a, b", or "none".
  std::string Names() const;

 private:
  mutable sync::Mutex mutex_;
  std::map<std::string, const PluginBridge, std::less<>> bridges_ ABSL_GUARDED_BY(mutex_);
};

// As the host sees it. Lifetime: the bridge's.
belfry_event_description Described(const PluginBridge& bridge);

// Whether a plugin describes the event as the host does, so that it may cross as a view.
// Errors: FAILED_PRECONDITION, naming every difference, each with the plugin's value first.
absl::Status CompareLayouts(const belfry_event_description& plugins, const PluginBridge& hosts);
// The same for a C++ object.
absl::Status CompareObjects(const belfry_event_description& plugins, const PluginBridge& hosts);

}  // namespace belfry
