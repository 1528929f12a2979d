// What a host of plugins tells of one of them.
#pragma once

#include <cstdint>
#include <string>

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
  std::uint64_t delivered = 0;  // calls of its listeners
  std::uint64_t failed = 0;     // those of them that failed
  std::uint64_t published = 0;
};

// What became of a file that was unloaded.
enum class PluginUnload {
  kUnmapped,   // the system says that none of it is mapped any more
  kLingering,  // closed, but the system keeps it mapped, and it cannot be loaded again
};

}  // namespace belfry
