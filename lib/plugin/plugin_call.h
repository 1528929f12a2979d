// The calls of plugins that run now: who is told of them are the crash handler and the watch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sync/sync.h"

namespace belfry {

class PluginAccount;

// A call across the border into a plugin, on the stack of who calls.
struct PluginCall {
  const PluginAccount* plugin;  // null: the plugin of the outer one has called the host
  const char* listener;         // "start", "stop" where it is none
  const char* event;            // "" there
  const PluginCall* outer = nullptr;
};

// Thread safety: one thread's.
class PluginCallScope {
 public:
  explicit PluginCallScope(const PluginCall& call);
  ~PluginCallScope();
  PluginCallScope(const PluginCallScope&) = delete;
  PluginCallScope& operator=(const PluginCallScope&) = delete;

 private:
  PluginCall call_;
};

// A call of the host by a plugin, in which somebody else's code may run.
class HostCallScope {
 public:
  HostCallScope();
  ~HostCallScope();
  HostCallScope(const HostCallScope&) = delete;
  HostCallScope& operator=(const HostCallScope&) = delete;

 private:
  const PluginCall call_;
};

// The innermost one of the calling thread; null: none. Safe in a signal's handler.
const PluginCall* CurrentPluginCall();

// One of any thread, as others see it.
struct RunningPluginCall {
  const PluginAccount* plugin;  // to be compared: it may be gone
  const void* thread;           // likewise
  std::uint64_t number;         // of the thread's
  bool operator==(const RunningPluginCall&) const = default;
};
std::vector<RunningPluginCall> RunningPluginCalls();

}  // namespace belfry
