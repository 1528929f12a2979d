// What a host that knows no types must be able to do with events of one type.
//
// Users need nothing from this header, unless their events are to cross in a way of their own: then
// they fill in a bridge themselves. For described events exposed_event.h does, for events that only
// plugins know foreign_event.h.
#pragma once

#include <cstdint>
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
  explicit PluginBridge(EventType exposed)
      : type(exposed), name(exposed.name()), schema_version(exposed.schema_version()) {}

  EventType type;
  // What plugins know it by: as declared for the type, unless that stands for events of many names.
  std::string name;
  std::uint32_t schema_version;  // from 1
  // How it lies in memory, the names being literals; empty: it crosses as JSON only.
  std::vector<belfry_field> fields{};
  std::function<std::string(const void* event)> write_json{};
  std::function<absl::Status(const Publisher& publisher, std::string_view text)> publish_json{};
  // Of `type.size()` bytes, anywhere in memory; null without fields.
  std::function<absl::Status(const Publisher& publisher, const void* bytes)> publish_view{};

  // Of a C++ object, which it copies, of that ABI (cxx_abi.h); empty and null: it crosses as none.
  std::string_view object_abi{};
  std::function<absl::Status(const Publisher& publisher, const void* object)> publish_object{};

  // Calls `deliver` with each event, in the delivery.
  using Deliver = std::function<absl::Status(const void* event)>;
  std::function<Subscription(Dispatcher& dispatcher, Deliver deliver, ListenerOptions options)>
      subscribe{};
  // Puts `deliver` into the place of the one that it was subscribed with.
  std::function<ReplaceResult(Subscription& subscription, Deliver deliver)> replace{};
};

}  // namespace belfry
