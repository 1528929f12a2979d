// When a plugin is not called for a while, because it harms more than it helps: a circuit breaker
// (Nygard, Release It!, 2007), one for each plugin.
//
//   belfry::PluginHost host(dispatcher, {.breaker = {.deadline = std::chrono::seconds(5)}});
//   auto cut_off = dispatcher.Subscribe([](const belfry::PluginCutOff& event) {
//     Alert(event.plugin + ": " + event.why);
//   });
//
// While a plugin is cut off its deliveries fail with UNAVAILABLE and are found among the dead
// letters. After the pause one of them is tried: if that goes well, all is as before.
#pragma once

#include <string>

#include "belfry/clock.h"
#include "belfry/event_type.h"

namespace belfry {

struct PluginBreaker {
  unsigned failures = 20;  // so many failed calls ... 0: they may be as many as they like
  Nanoseconds within = std::chrono::minutes(1);  // ... within that time
  // Or one that has been running for so long; noticed before it has been twice as long. The plugin
  // is cut off until the pause after its end. Zero: nobody looks. Needs Dispatcher::timers.
  Nanoseconds deadline{};
  Nanoseconds pause = std::chrono::seconds(10);
};

// Published by the host.
struct PluginCutOff {
  std::string plugin{};
  std::string why{};
};
BELFRY_EVENT_NAME(PluginCutOff, "belfry.plugin_cut_off", 1);

// It is called as before.
struct PluginBack {
  std::string plugin{};
};
BELFRY_EVENT_NAME(PluginBack, "belfry.plugin_back", 1);

}  // namespace belfry
