// Events whose types only plugins know: a host without those types passes them on as JSON.
//
//   host.Expose(belfry::Foreign("shop.parcel_sent", 1));
//   const belfry::Subscription sent = dispatcher.Subscribe(
//       [](const belfry::ForeignEvent& event) { std::cout << event.name << event.json << '\n'; });
//
// Link belfry::plugin.
#pragma once

#include <cstdint>
#include <string>

#include <boost/describe/class.hpp>

#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/plugin_bridge.h"

namespace belfry {

// One event of a plugin's. To the dispatcher all of them are of one type: who listens gets every
// name, so a filter by name is what most want.
struct ForeignEvent {
  std::string name;
  std::uint32_t schema_version = 0;
  std::string json;  // an object
};
BOOST_DESCRIBE_STRUCT(ForeignEvent, (), (name, schema_version, json))
BELFRY_EVENT_NAME(ForeignEvent, "belfry.foreign_event", 1);

// The bridge for the events of that name: they cross as JSON only. What a plugin publishes is
// refused (INVALID_ARGUMENT) unless it is a JSON object; what the application publishes as a
// ForeignEvent reaches the plugins as it is.
// Foreign events of all names pass through the queue of each listener to one of them, which counts
// those of other names as filtered.
// Without a name or a version to expose it is a bug (aborts). Throws std::bad_alloc.
BELFRY_EXPORT PluginBridge Foreign(std::string name, std::uint32_t schema_version);

}  // namespace belfry
