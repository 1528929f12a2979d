// The program's command line.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"

#include "signup/flow.h"

namespace signup {

extern const char kUsage[];

struct Options {
  std::string address;  // numeric
  std::uint16_t port = 0;
  std::string data;              // a folder
  std::string welcome_template;  // a file; "": welcome.txt in `data`, made if it is not there
  Flow flow = Flow::kEvents;
  std::string plugins;  // a folder; "": none
  bool help = false;
};

// Reads the arguments after the program's name.
// Errors: INVALID_ARGUMENT, naming the argument.
absl::StatusOr<Options> ParseOptions(std::span<char* const> arguments);

}  // namespace signup
