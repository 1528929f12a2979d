#include "belfry/foreign_event.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include <boost/json/parse.hpp>

#include "belfry/dispatcher.h"

namespace belfry {
namespace {

absl::Status CheckObject(const std::string& name, std::string_view text) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  if (error) return absl::InvalidArgumentError(name + ": no JSON: " + error.message());
  if (value.is_object()) return absl::OkStatus();
  return absl::InvalidArgumentError(name + ": is of kind " +
                                    std::string(boost::json::to_string(value.kind())) +
                                    ", wanted is an object");
}

}  // namespace

PluginBridge Foreign(std::string name, std::uint32_t schema_version) {
  PluginBridge bridge(EventTypeOf<ForeignEvent>());
  bridge.name = name;
  bridge.schema_version = schema_version;
  bridge.write_json = [](const void* event) {
    return static_cast<const ForeignEvent*>(event)->json;
  };
  bridge.publish_json = [name, schema_version](const Publisher& publisher, std::string_view text) {
    if (absl::Status object = CheckObject(name, text); !object.ok()) return object;
    return publisher.Publish(ForeignEvent{name, schema_version, std::string(text)}).status();
  };
  static constexpr auto kListener = [](PluginBridge::Deliver deliver) {
    return [deliver = std::move(deliver)](const ForeignEvent& event) { return deliver(&event); };
  };
  bridge.subscribe = [name = std::move(name)](Dispatcher& dispatcher, PluginBridge::Deliver deliver,
                                              ListenerOptions options) {
    options.filter = [name](const ForeignEvent& event) { return event.name == name; };
    return dispatcher.Subscribe<ForeignEvent>(kListener(std::move(deliver)), std::move(options));
  };
  bridge.replace = [](Subscription& subscription, PluginBridge::Deliver deliver) {
    return subscription.Replace<ForeignEvent>(kListener(std::move(deliver)));
  };
  return bridge;
}

}  // namespace belfry
