// What is written down when the program crashes inside of a plugin, and what that means later.
//
//   belfry::PluginHost host(dispatcher, {.crash_file = path});
//   const absl::Status started = host.Start("hello");  // FAILED_PRECONDITION: it crashed before
//   if (!started.ok()) host.Forgive("hello").IgnoreError();
//
// With PluginHostOptions::crash_file the program's signals that mean a crash (SIGSEGV, SIGBUS,
// SIGILL, SIGFPE, SIGABRT) are caught. On a thread inside of a plugin's call the plugin, its
// listener and the event are named on stderr, and written into that file. Then comes what would
// have come without: a handler that was there before, or the end of the program. A crash inside of
// what a plugin has published is not its own: it is named, and not written down.
//
// The next Start of the same version of that plugin is refused: until the line is deleted from the
// file, the plugin has a new version, or Forgive.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/export.h"

namespace belfry {

// A line of the file.
struct PluginCrash {
  std::string plugin{};
  std::string version{};
  std::string listener{};  // "start", "stop": while it was told to
  std::string event{};     // "": none
  std::string signal{};    // "SIGSEGV"
};

// In the order in which they happened; a line that cannot be read, as a crash of the machine may
// leave it, is passed over. Errors: NOT_FOUND, and what the system says.
// Thread safety: any thread.
BELFRY_EXPORT absl::StatusOr<std::vector<PluginCrash>> ReadPluginCrashes(const std::string& path);

}  // namespace belfry
