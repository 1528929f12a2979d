// One plugin as those see it who call it, watch it and name it: who it is, and how it does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/clock.h"
#include "belfry/dispatcher.h"
#include "belfry/plugin_file.h"
#include "belfry/plugin_host.h"
#include "plugin/circuit_breaker.h"
#include "plugin/plugin_counts.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread. Lifetime: the plugin's, and longer than each of its calls.
class PluginAccount {
 public:
  PluginAccount(Dispatcher& dispatcher, const PluginHostOptions& options, int crash_descriptor,
                const PluginNote& note);
  PluginAccount(const PluginAccount&) = delete;
  PluginAccount& operator=(const PluginAccount&) = delete;

  const std::string& id() const { return note_.id; }
  const std::string& version() const { return note_.version; }
  int crash_descriptor() const { return crash_descriptor_; }  // below zero: there is none
  const Clock& clock() const { return clock_; }
  PluginCounts& counts() { return counts_; }
  const PluginCounts& counts() const { return counts_; }
  CircuitBreaker& breaker() { return breaker_; }
  const CircuitBreaker& breaker() const { return breaker_; }

  // Whether the calling thread is inside a call of it.
  bool IsInside() const;
  // Those of its listeners that run now.
  std::vector<std::string> RunningListeners() const;

  void Log(std::uint32_t level, std::string_view line) const;
  // What a call, or a look, has changed is published, and logged.
  void Tell(CircuitBreaker::Change change) const;
  // The longest of its calls has been running for that long. Of the watch.
  void RunsFor(Nanoseconds longest);
  // The host has ended before it: nothing is logged or published from now on.
  void Silence() { silent_.store(true, std::memory_order_release); }

 private:
  Dispatcher& dispatcher_;
  const PluginHostOptions& options_;
  const int crash_descriptor_;
  const PluginNote& note_;
  const Clock& clock_;
  const Nanoseconds deadline_;
  CircuitBreaker breaker_;
  PluginCounts counts_;
  sync::Atomic<bool> silent_{false};
};

}  // namespace belfry
