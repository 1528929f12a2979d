#include "signup/options.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace signup {

const char kUsage[] =
    "signup --listen ADDRESS:PORT --data DIR [--template FILE] [--flow events|story]\n"
    "       [--plugins DIR]\n"
    "\n"
    "Lets users sign up over HTTP.\n"
    "\n"
    "  --listen    where, e.g. 127.0.0.1:8080 or [::1]:8080; port 0 picks a free one.\n"
    "              The first line of output names it.\n"
    "  --data      the folder of signup.db, mail/ and audit.log; made if it is not there.\n"
    "  --template  the welcome mail's text; by default DIR/welcome.txt, made if it is not there.\n"
    "  --flow      how the flow is written: by events, the default, or as a story. It does the\n"
    "              same.\n"
    "  --plugins   a folder of listeners that were compiled apart, NAME.so, each with its\n"
    "              configuration NAME.json. Failures are logged by failures.so then.\n"
    "  --help      this\n"
    "\n"
    "SIGTERM and SIGINT finish what has begun and end the program.\n";

namespace {

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

absl::Status ParseListen(const std::string& text, Options& options) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return Wrong("--listen " + text + ": needs ADDRESS:PORT");
  options.address = text.substr(0, colon);
  if (options.address.size() > 2 && options.address.front() == '[') {
    options.address = options.address.substr(1, options.address.size() - 2);
  }
  const std::string port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return Wrong("--listen " + text + ": " + port + " is no port; 0 to 65535 are");
  }
  return absl::OkStatus();
}

absl::Status ParseFlow(const std::string& text, Options& options) {
  if (text == "story") {
    options.flow = Flow::kStory;
  } else if (text != "events") {
    return Wrong("--flow " + text + ": there are events and story");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> ParseOptions(std::span<char* const> arguments) {
  Options options;
  std::string listen;
  std::string flow = "events";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--help" || name == "-h") {
      options.help = true;
      return options;
    }
    std::string* value = name == "--listen"     ? &listen
                         : name == "--data"     ? &options.data
                         : name == "--template" ? &options.welcome_template
                         : name == "--flow"     ? &flow
                         : name == "--plugins"  ? &options.plugins
                                                : nullptr;
    if (value == nullptr) return Wrong("unknown argument " + std::string(name));
    if (++i == arguments.size()) return Wrong(std::string(name) + " needs a value");
    *value = arguments[i];
  }
  if (listen.empty()) return Wrong("--listen ADDRESS:PORT is missing");
  if (options.data.empty()) return Wrong("--data DIR is missing");
  absl::Status parsed = ParseListen(listen, options);
  parsed.Update(ParseFlow(flow, options));
  if (!parsed.ok()) return parsed;
  return options;
}

}  // namespace signup
