// A timer of a plugin's, made into a listener: its event is that its time has come.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "belfry/clock.h"
#include "belfry/event_type.h"
#include "belfry/plugin.h"
#include "belfry/plugin_bridge.h"
#include "belfry/plugin_timers.h"
#include "plugin/plugin_listener.h"
#include "sync/sync.h"

namespace belfry {

// Published by the host, for the timer of that number alone.
struct PluginTimeDue {
  std::string plugin{};
  std::string timer{};
  std::uint64_t number = 0;
};
BELFRY_EVENT_NAME(PluginTimeDue, "belfry.plugin_time_due", 1);

// Thread safety: that of a listener's callable, but for Name. Lifetime: its listener's, by which it
// is destroyed.
class PluginTimer {
 public:
  // `ended` is called in the call after which there is no other one.
  PluginTimer(const std::string& plugin, const belfry_timer& timer,
              std::function<void(std::uint64_t id)> ended);
  PluginTimer(const PluginTimer&) = delete;
  PluginTimer& operator=(const PluginTimer&) = delete;

  belfry_listener Listener();
  void Name(std::uint64_t id) { id_ = id; }  // before it is subscribed

 private:
  class Alarm;
  Subscription Subscribe(Dispatcher& dispatcher, PluginBridge::Deliver deliver,
                         ListenerOptions options) const;

  const belfry_timer timer_;
  const std::string name_;
  const PluginTimeDue due_;
  const std::function<void(std::uint64_t id)> ended_;
  std::uint64_t id_ = 0;
  PluginBridge bridge_;
  const belfry_event_type type_;
};

}  // namespace belfry
