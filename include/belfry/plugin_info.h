// What a host of plugins tells of one of them.
#pragma once

#include <cstdint>
#include <string>

#include "belfry/clock.h"

namespace belfry {

enum class PluginState {
  kLoaded,    // not started, or stopped
  kRunning,   // started
  kDisabled,  // started, but none of its listeners is called
};

struct PluginInfo {
  std::string id;
  std::string version;
  std::string path;  // "" when it is linked into the program
  PluginState state = PluginState::kLoaded;
  std::string cut_off{};        // why it is, see plugin_breaker.h; "": it is not
  std::uint64_t delivered = 0;  // calls of its listeners
  std::uint64_t failed = 0;     // those of them that failed
  std::uint64_t refused = 0;    // that were not made, since it was cut off
  std::uint64_t published = 0;
  std::uint64_t timed = 0;  // of a listener's calls one in 64 is timed: so many were,
  Nanoseconds timed_for{};  // and took so long together
};

// What became of a file that was unloaded.
enum class PluginUnload {
  kUnmapped,   // the system says that none of it is mapped any more
  kLingering,  // closed, but the system keeps it mapped, and it cannot be loaded again
};

}  // namespace belfry
