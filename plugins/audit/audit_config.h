// What the plugin is told when it is started.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rotated_file.h"

namespace audit {

struct Config {
  RotatedFileOptions file{.path = "", .bytes_max = 64 << 20, .files_max = 5};
  std::vector<std::string> events;  // empty: all
};

// `json` is an object whose keys are of the types that the note declares.
// Errors: throws belfry::plugin::Error, which names the key, its value, and what is wanted.
Config ReadConfig(std::string_view json);

}  // namespace audit
