// Ten thousand connections at once: a server that broadcasts to all of them, and the clients.

#include <charconv>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "belfry/endpoint.h"
#include "clients.h"
#include "demo.h"
#include "serve.h"

namespace c10k {
namespace {

constexpr char kUsage[] =
    "c10k serve ENDPOINT            sends a line to every client each second, and prints\n"
    "                               connections, messages, memory and latency\n"
    "c10k clients ENDPOINT [COUNT]  opens so many connections, which send each line back\n"
    "c10k demo [COUNT]              both for five seconds, in two processes; fails if a line\n"
    "                               was not answered\n"
    "c10k --help                    this\n"
    "\n"
    "ENDPOINT is 127.0.0.1:7000, [::1]:7000 or unix:/run/c10k.sock; COUNT is 10000, if none is\n"
    "given. SIGINT and SIGTERM end serve and clients.\n";

absl::StatusOr<std::size_t> ParseCount(const std::string& text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size() && count > 0) return count;
  return absl::InvalidArgumentError(absl::StrCat("COUNT is ", text, ": it must be a number"));
}

absl::Status Run(std::span<char* const> arguments) {
  const std::string_view what = arguments.empty() ? "" : arguments.front();
  const bool with_endpoint = what == "serve" || what == "clients";
  const std::size_t least = with_endpoint ? 2 : 1;
  const std::size_t most = what == "serve" ? least : least + 1;
  if ((!with_endpoint && what != "demo") || arguments.size() < least || arguments.size() > most) {
    return absl::InvalidArgumentError(absl::StrCat("it is started so:\n\n", kUsage));
  }
  absl::StatusOr<std::size_t> count = kClients;
  if (arguments.size() > least) count = ParseCount(arguments.back());
  if (!count.ok()) return count.status();
  if (!with_endpoint) return RunDemo(*count);
  const absl::StatusOr<belfry::Endpoint> endpoint = belfry::Endpoint::Parse(arguments[1]);
  if (!endpoint.ok()) return endpoint.status();
  return what == "serve" ? Serve(*endpoint) : RunClients(*endpoint, *count);
}

int Main(std::span<char* const> arguments) {
  if (!arguments.empty() && std::string_view(arguments.front()) == "--help") {
    std::cout << kUsage;
    return EXIT_SUCCESS;
  }
  try {
    const absl::Status status = Run(arguments);
    if (status.ok()) return EXIT_SUCCESS;
    std::cerr << "c10k: " << status.message() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "c10k: " << error.what() << "\n";
  }
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace c10k

int main(int argc, char** argv) {
  return c10k::Main(std::span<char* const>(argv, static_cast<std::size_t>(argc)).subspan(1));
}
