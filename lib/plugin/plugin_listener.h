// A listener of a plugin's, on the host's side of the border.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

#include "belfry/listener_options.h"
#include "belfry/plugin.h"
#include "belfry/plugin_bridge.h"
#include "belfry/subscription.h"
#include "plugin/plugin_counts.h"

// As a plugin has described it.
struct belfry_event_type {
  const belfry::PluginBridge* bridge;
  std::uint32_t direct;  // BELFRY_VIEW or BELFRY_OBJECT, as both sides state the same; 0: JSON only
};

namespace belfry {

class PluginAccount;
class PluginContext;

// Counts among the listeners of its plugin that are still there, from its beginning to its end.
class LivePluginListener {
 public:
  explicit LivePluginListener(PluginContext& plugin);
  ~LivePluginListener();
  LivePluginListener(const LivePluginListener&) = delete;
  LivePluginListener& operator=(const LivePluginListener&) = delete;

  PluginContext& plugin() const { return plugin_; }

 private:
  PluginContext& plugin_;
};

// Thread safety: Deliver on any thread; Accept and Refuse on the one that subscribes it.
// Lifetime: as long as somebody may call it. At its end the plugin is told, if it was accepted.
class PluginListener {
 public:
  // The listener's fields were checked.
  PluginListener(std::string name, const belfry_listener& listener, PluginContext& plugin);
  ~PluginListener();
  PluginListener(const PluginListener&) = delete;
  PluginListener& operator=(const PluginListener&) = delete;

  const std::string& name() const { return name_; }
  const belfry_event_type& type() const { return *listener_.type; }
  Run run() const { return listener_.run == BELFRY_INLINE ? Run::kInline : Run::kQueued; }

  void Accept() { accepted_ = true; }
  void Refuse() { accepted_ = false; }

  // Errors: why it has failed, or UNAVAILABLE: the plugin is cut off.
  absl::Status Deliver(const void* event);

 private:
  absl::Status DeliverJson(const void* event, belfry_event& crossing);
  absl::Status DeliverCrossing(const belfry_event& event);
  absl::Status Call(const belfry_event& event);

  const LivePluginListener live_;  // first, so that it ends last
  const std::string name_;
  const belfry_listener listener_;
  const std::string event_name_;
  const std::uint32_t form_;
  const belfry_event same_;  // what is the same of each event
  PluginAccount& account_;
  CallCount::Own calls_;
  bool accepted_ = false;
};

}  // namespace belfry
