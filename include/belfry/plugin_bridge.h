// What a host that knows no types must be able to do with events of one type.
//
// Users need nothing from this header, unless their events are to cross in a way of their own: then
// they fill in a bridge themselves. For described events exposed_event.h does.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/event_type.h"
#include "belfry/plugin_event.h"
#include "belfry/status_fwd.h"

namespace belfry {

class Dispatcher;
class Publisher;
class Subscription;
enum class ReplaceResult;
struct ListenerOptions;

// Thread safety: the functions are called on any thread, several at once. What they throw fails the
// delivery, or the publish.
struct PluginBridge {
  explicit PluginBridge(EventType exposed) : type(exposed) {}

  EventType type;  // with a declared name
  // How it lies in memory, the names being literals; empty: it crosses as JSON only.
  std::vector<belfry_field> fields{};
  std::string (*write_json)(const void* event) = nullptr;
  absl::Status (*publish_json)(const Publisher& publisher, std::string_view text) = nullptr;
  // Of `type.size()` bytes, anywhere in memory; null without fields.
  absl::Status (*publish_view)(const Publisher& publisher, const void* bytes) = nullptr;

  // Calls `deliver` with each event, in the delivery.
  using Deliver = std::function<absl::Status(const void* event)>;
  Subscription (*subscribe)(Dispatcher& dispatcher, Deliver deliver,
                            ListenerOptions options) = nullptr;
  // Puts `deliver` into the place of the one that it was subscribed with.
  ReplaceResult (*replace)(Subscription& subscription, Deliver deliver) = nullptr;
};

}  // namespace belfry
