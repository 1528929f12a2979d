// What a host of plugins and nothing else is told by its file.
//
//   {
//     "threads": 4,
//     "crash_file": "crashes",
//     "plugins": [
//       {"file": "greet.so", "config": {"loud": true}},
//       {"file": "/usr/lib/belfry/audit.so"}
//     ]
//   }
//
// Only `plugins` and `file` must be there. Files are looked for beside this one; `crash_file` is
// that of plugin_crash.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace belfry::command {

struct HostConfig {
  struct Plugin {
    std::string file;
    std::string config = "{}";  // a JSON object
  };
  unsigned threads = 0;    // 0: it does not say
  std::string crash_file;  // "": there is none
  std::vector<Plugin> plugins;
};

// Errors: the file cannot be read, or each key that is missing, unknown or has another value.
absl::StatusOr<HostConfig> ReadHostConfig(const std::string& path);

// The same for its text; `folder` is where relative files are.
absl::StatusOr<HostConfig> ParseHostConfig(std::string_view text, const std::string& folder);

}  // namespace belfry::command
