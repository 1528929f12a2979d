// Users sign up over HTTP. README.md beside this file shows how it is used and how it works.

#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/files.h"
#include "belfry/http/http_server.h"
#include "belfry/signals.h"
#include "signup/data_directory.h"
#include "signup/options.h"
#include "signup/plugins.h"
#include "signup/resumption.h"
#include "signup/wiring.h"

namespace signup {
namespace {

using belfry::http::HttpServer;

// What begun sign-ups, and then their deliveries, may take when the program ends.
constexpr belfry::Nanoseconds kDrainTimeMax = std::chrono::seconds(10);

int Fail(const absl::Status& status) {
  std::cerr << "signup: " << status.message() << " (" << absl::StatusCodeToString(status.code())
            << ")\n";
  return EXIT_FAILURE;
}

std::string Url(const Options& options, std::uint16_t port) {
  const bool six = options.address.find(':') != std::string::npos;
  return "http://" + (six ? "[" + options.address + "]" : options.address) + ":" +
         std::to_string(port);
}

// Failures of ours, for the operator.
belfry::Subscription LogFailures(belfry::Dispatcher& dispatcher) {
  return dispatcher.Subscribe(
      [](const SignUpFailed& failed) {
        if (failed.kind != SignUpFailed::Kind::kUnavailable) return;
        std::cerr << "signup: " + failed.reason + ": " + failed.detail + "\n";
      },
      {.name = "log"});
}

void PrintResumed(const Resumption::Report& report) {
  std::string line = "resumed " + std::to_string(report.pending) + " pending sign-ups";
  if (report.failed > 0) {
    line += ", of which " + std::to_string(report.failed) + " failed and stay pending";
  }
  std::cout << line + "\n" << std::flush;
}

void PrintPending(UserStore& users) {
  const absl::StatusOr<std::vector<User>> pending = users.Pending();
  if (!pending.ok() || pending->empty()) return;
  std::cout << pending->size() << " sign-ups stay pending: the next start resumes them\n";
}

// Ends the dispatcher; true when nothing was stuck.
bool ShutDown(belfry::Dispatcher& dispatcher) {
  const belfry::ShutdownReport report =
      dispatcher.Shutdown(belfry::ShutdownMode::kDrain, kDrainTimeMax);
  for (const belfry::StuckDelivery& stuck : report.stuck) {
    std::cerr << "signup: " << stuck.listener << " is stuck in thread " << stuck.thread << " with "
              << stuck.event_type.name() << "\n";
  }
  if (report.queued > 0) std::cerr << "signup: " << report.queued << " deliveries abandoned\n";
  return report.complete;
}

int Serve(const Options& options) {
  absl::StatusOr<DataDirectory> data = DataDirectory::Open(options.data, options.welcome_template);
  if (!data.ok()) return Fail(data.status());
  const absl::StatusOr<std::vector<User>> pending = data->users->Pending();
  if (!pending.ok()) return Fail(pending.status());

  // Each outlives those below it.
  belfry::EventLoop loop;
  // More threads than cores: the store's listeners wait for the disk.
  belfry::Dispatcher dispatcher({.pool = {.threads = 4, .name = "signup"}});
  const belfry::Signals signals(loop, dispatcher, {SIGTERM, SIGINT});
  belfry::BlockingFiles files(dispatcher, {.threads = 4});
  const Wiring wiring =
      WireSignUp(dispatcher,
                 {.users = *data->users,
                  .files = files,
                  .mailbox = data->mailbox,
                  .welcome_template = data->welcome_template,
                  .audit = [&data](std::string_view line) { return data->audit->Write(line); }},
                 options.flow);
  belfry::Subscription log;
  std::unique_ptr<belfry::PluginHost> plugins;
  if (options.plugins.empty()) {
    log = LogFailures(dispatcher);
  } else {
    auto started = StartPlugins(dispatcher, options.plugins);
    if (!started.ok()) return Fail(started.status());
    plugins = *std::move(started);
  }
  Resumption resumption(dispatcher, *pending, PrintResumed);

  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Listen(
      loop, dispatcher,
      {.address = options.address, .port = options.port, .body_bytes_max = 64 * 1024});
  if (!server.ok()) return Fail(server.status());
  std::cout << "listening on " << Url(options, (*server)->port()) << std::endl;

  belfry::Subscription stop = dispatcher.Subscribe(
      [&](const belfry::SignalReceived&) {
        (*server)->Drain(kDrainTimeMax).Then([&](const std::size_t& unanswered) {
          if (unanswered > 0) std::cerr << "signup: " << unanswered << " requests not answered\n";
          loop.Stop();
        });
      },
      {.name = "stop", .executor = &loop});
  resumption.Start();
  loop.Run();

  // What these would still hear, they would hear on the loop, which runs no more.
  server->reset();
  stop.Reset();
  if (!ShutDown(dispatcher)) std::_Exit(EXIT_FAILURE);  // destructors would wait for what is stuck
  PrintPending(*data->users);
  return EXIT_SUCCESS;
}

int Main(std::span<char* const> arguments) {
  const absl::StatusOr<Options> options = ParseOptions(arguments);
  if (!options.ok()) {
    std::cerr << "signup: " << options.status().message() << "\n\n" << kUsage;
    return EXIT_FAILURE;
  }
  if (options->help) {
    std::cout << kUsage;
    return EXIT_SUCCESS;
  }
  try {
    return Serve(*options);
  } catch (const std::exception& error) {
    std::cerr << "signup: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}

}  // namespace
}  // namespace signup

int main(int argc, char** argv) {
  return signup::Main(std::span<char* const>(argv, static_cast<std::size_t>(argc)).subspan(1));
}
