// An event type of the host, made known to plugins by its declared name. Needs Boost 1.81 or newer
// (link Boost::json).
//
//   struct OrderPlaced {
//     std::int64_t order = 0;
//     std::int64_t cents = 0;
//   };
//   BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order, cents))
//   BELFRY_EVENT_NAME(OrderPlaced, "shop.order_placed", 1);
//
// Then:
//
//   host.Expose(belfry::Exposed<OrderPlaced>());
#pragma once

#include <concepts>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/cxx_abi.h"
#include "belfry/describe.h"
#include "belfry/dispatcher.h"
#include "belfry/event_fields.h"
#include "belfry/event_type.h"
#include "belfry/plugin_bridge.h"

namespace belfry {

// What may be exposed: what has a declared name, and fields that are described.
template <class E>
concept Exposable = Described<E> && std::default_initializable<E> && requires(const E* event) {
  { BelfryEventName(event) } -> std::same_as<EventName>;
};

// The bridge for E. It crosses as JSON (describe.h), and, if it is plain bytes of the kinds that
// belfry/plugin_event.h names, to plugins that state the same fields, as it lies in memory; and to
// those of the same C++ ABI as the object that it is.
// Every member should be described: one that is not does not cross as JSON, and crosses in a view
// without being compared. Throws std::bad_alloc.
template <Exposable E>
PluginBridge Exposed() {
  PluginBridge bridge(EventTypeOf<E>());
  bridge.fields = FieldsOf<E>();
  bridge.write_json = [](const void* event) { return WriteJson(*static_cast<const E*>(event)); };
  bridge.publish_json = [](const Publisher& publisher, std::string_view text) {
    absl::StatusOr<E> event = ReadJson<E>(text);
    return event.ok() ? publisher.Publish(*std::move(event)).status() : event.status();
  };
  if constexpr (std::is_trivially_copyable_v<E>) {
    bridge.publish_view = [](const Publisher& publisher, const void* bytes) {
      E event{};
      std::memcpy(&event, bytes, sizeof(event));
      return publisher.Publish(std::move(event)).status();
    };
  }
  if constexpr (std::is_copy_constructible_v<E>) {
    bridge.object_abi = kCxxAbi;
    bridge.publish_object = [](const Publisher& publisher, const void* object) {
      return publisher.Publish(E(*static_cast<const E*>(object))).status();
    };
  }
  static constexpr auto kListener = [](PluginBridge::Deliver deliver) {
    return [deliver = std::move(deliver)](const E& event) { return deliver(&event); };
  };
  bridge.subscribe = [](Dispatcher& dispatcher, PluginBridge::Deliver deliver,
                        ListenerOptions options) {
    return dispatcher.Subscribe<E>(kListener(std::move(deliver)), std::move(options));
  };
  bridge.replace = [](Subscription& subscription, PluginBridge::Deliver deliver) {
    return subscription.Replace<E>(kListener(std::move(deliver)));
  };
  return bridge;
}

}  // namespace belfry
