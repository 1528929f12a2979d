// What the subcommands of `belfry` do, after their arguments were read.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace belfry::command {

// Each ends when it is done. Thread safety: one thread. Errors: for people, saying what to do.

// Writes the folder `name`, which is an identifier, with a plugin to start from.
absl::Status NewPlugin(const std::string& name);

// Prints what a plugin's file says of itself and is, without running any of its code.
// Errors: all that keeps a host from loading it.
absl::Status CheckPlugin(const std::string& file);

// One event for a plugin. The texts are JSON objects.
struct PluginRun {
  std::string file;
  std::string event;
  std::string json = "{}";
  std::string config = "{}";
};
// Loads it, delivers the event and prints what comes out.
// Errors: a listener of it has failed, too, or none was called.
absl::Status RunPlugin(const PluginRun& run);

// Runs the plugins that a file names until SIGTERM or SIGINT.
absl::Status RunHost(const std::string& path);

}  // namespace belfry::command
