#include "plugin/start_order.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"

namespace belfry {
namespace {

using Plugins = std::vector<const PluginNote*>;

// An event that `publisher` publishes and another one of them listens to: who that is.
struct Awaited {
  const PluginNote* listener = nullptr;  // null: there is none
  std::string event;
};
Awaited FirstAwaited(const PluginNote& publisher, const Plugins& plugins) {
  for (const PluginNote::Event& event : publisher.publishes) {
    for (const PluginNote* const other : plugins) {
      const bool listens =
          other->listens_to_any ||
          std::any_of(other->listens.begin(), other->listens.end(),
                      [&](const PluginNote::Event& one) { return one.name == event.name; });
      if (other != &publisher && listens) return {other, event.name};
    }
  }
  return {};
}

// Each of them awaits another one, so a walk from one to the next comes back.
absl::Status Cycle(const Plugins& plugins) {
  Plugins walked;
  const PluginNote* plugin = plugins.front();
  while (std::find(walked.begin(), walked.end(), plugin) == walked.end()) {
    walked.push_back(plugin);
    plugin = FirstAwaited(*plugin, plugins).listener;
  }
  walked.erase(walked.begin(), std::find(walked.begin(), walked.end(), plugin));
  std::string text = plugin->id;
  for (const PluginNote* const publisher : walked) {
    const Awaited awaited = FirstAwaited(*publisher, plugins);
    text += " publishes " + awaited.event + " for " + awaited.listener->id;
    if (awaited.listener != plugin) text += ", which";
  }
  return absl::FailedPreconditionError("the plugins have no order to start in: " + text +
                                       "; start them one by one, in an order of your own");
}

}  // namespace

absl::StatusOr<Plugins> StartOrder(Plugins plugins) {
  Plugins order;
  while (!plugins.empty()) {
    const auto next = std::find_if(plugins.begin(), plugins.end(), [&](const PluginNote* plugin) {
      return FirstAwaited(*plugin, plugins).listener == nullptr;
    });
    if (next == plugins.end()) return Cycle(plugins);
    order.push_back(*next);
    plugins.erase(next);
  }
  return order;
}

}  // namespace belfry
