// The `belfry` command. README.md beside this file shows how it is used.
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include <boost/json/parse.hpp>

#include "CLI/CLI.hpp"
#include "belfry/version.h"
#include "command/commands.h"

namespace belfry::command {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;
constexpr std::size_t kPluginNameMax = 100;

// For CLI11: "" or what is wrong with an argument.
std::string CheckName(const std::string& name) {
  constexpr std::string_view kPossible = "abcdefghijklmnopqrstuvwxyz0123456789_";
  if (name.empty() || !absl::ascii_islower(static_cast<unsigned char>(name.front())) ||
      name.find_first_not_of(kPossible) != std::string::npos) {
    return "\"" + name + "\" is no name for a plugin: wanted are small letters, digits and _, " +
           "a letter first";
  }
  if (name.size() > kPluginNameMax) {
    return "a name of " + std::to_string(name.size()) + " letters: at most " +
           std::to_string(kPluginNameMax) + " are possible";
  }
  return "";
}

std::string CheckEventName(const std::string& name) {
  return name.empty() ? "an event has a name" : "";
}

std::string CheckObject(const std::string& text) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  if (!error && value.is_object()) return "";
  return "'" + text + "' is no JSON object" + (error ? ": " + error.message() : "");
}

std::string WrongUse(const std::string& what) {
  return "belfry: " + what + "\nRun it with --help to see what it can do.\n";
}

// Defines what may be said, and what is done then: `act` is called after all was read.
using Act = std::function<absl::Status()>;

void DefineNew(CLI::App& plugin, std::string& name, Act& act) {
  CLI::App* const command =
      plugin.add_subcommand("new", "Write a folder with a plugin to start from, and its test");
  command->add_option("NAME", name, "Of the folder and the plugin: small letters, digits and _")
      ->required()
      ->check(CheckName);
  command->callback([&] { act = [&] { return NewPlugin(name); }; });
}

void DefineCheck(CLI::App& plugin, std::string& file, Act& act) {
  CLI::App* const command = plugin.add_subcommand(
      "check", "Show what a plugin's file says and is, without running any of its code");
  command->add_option("FILE", file, "The plugin, NAME.so")->required();
  command->callback([&] { act = [&] { return CheckPlugin(file); }; });
}

void DefineRun(CLI::App& plugin, PluginRun& run, Act& act) {
  CLI::App* const command = plugin.add_subcommand(
      "run", "Load a plugin, deliver one event to it, and show what comes out");
  command->add_option("FILE", run.file, "The plugin, NAME.so")->required();
  command->add_option("--event", run.event, "The name of an event that it listens to")
      ->required()
      ->check(CheckEventName);
  command->add_option("--json", run.json, "The event, a JSON object")
      ->capture_default_str()
      ->check(CheckObject);
  command->add_option("--config", run.config, "The plugin's configuration, a JSON object")
      ->capture_default_str()
      ->check(CheckObject);
  command->callback([&] { act = [&] { return RunPlugin(run); }; });
}

void DefineHost(CLI::App& app, std::string& config, Act& act) {
  CLI::App* const command =
      app.add_subcommand("run", "Run plugins, and nothing else, until SIGTERM or SIGINT");
  command->add_option("CONFIG", config, R"(A file: {"plugins": [{"file": "hello.so"}]})")
      ->required();
  command->callback([&] { act = [&] { return RunHost(config); }; });
}

int Main(int count, char** arguments) {
  CLI::App app("Belfry, an in-process event dispatcher: its plugins", "belfry");
  app.set_version_flag("--version", BELFRY_VERSION, "Print the version");
  app.failure_message(
      [](const CLI::App*, const CLI::Error& error) { return WrongUse(error.what()); });
  CLI::App* const plugin = app.add_subcommand("plugin", "Make, check and try a plugin");

  std::string name;
  std::string file;
  PluginRun run;
  std::string config;
  Act act;
  DefineNew(*plugin, name, act);
  DefineCheck(*plugin, file, act);
  DefineRun(*plugin, run, act);
  DefineHost(app, config, act);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUse;
  }
  if (!act) {
    std::cerr << WrongUse("what shall it do? There are: plugin new, plugin check, plugin run, run");
    return kWrongUse;
  }
  const absl::Status status = act();
  if (status.ok()) return 0;
  std::cerr << "belfry: " << status.message() << std::endl;
  return kFailed;
}

}  // namespace
}  // namespace belfry::command

int main(int count, char** arguments) {
  try {
    return belfry::command::Main(count, arguments);
  } catch (const std::exception& error) {
    std::cerr << "belfry: " << error.what() << std::endl;
    return belfry::command::kFailed;
  }
}
