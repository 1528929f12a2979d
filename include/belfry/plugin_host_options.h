// How a host of plugins is to work.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/listener_options.h"
#include "belfry/plugin_breaker.h"
#include "belfry/plugin_file.h"

namespace belfry {

struct PluginHostOptions {
  PluginTrust trust{};
  PluginBreaker breaker{};
  // For how long Disable, Stop and StopAll wait for calls that run. Zero: until they have ended.
  Nanoseconds disable_limit{};
  std::string crash_file{};  // see plugin_crash.h; "": crashes are not caught
  // What plugins write into the log: the level is one of BELFRY_LOG_*. Called on any thread. Empty:
  // nobody reads it.
  std::function<void(std::string_view plugin, std::uint32_t level, std::string_view line)> log{};
  // How plugins' listeners are subscribed: retries, queues, dead letters. Called on any thread with
  // the name ID.NAME. `name`, `run` and `concurrency` are not the host's to choose. Empty: without
  // options.
  std::function<ListenerOptions(std::string_view listener)> listener_options{};
};

}  // namespace belfry
