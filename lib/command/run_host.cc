#include <signal.h>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/library_events.h"
#include "belfry/plugin_file.h"
#include "belfry/plugin_host.h"
#include "belfry/signals.h"
#include "command/commands.h"
#include "command/foreign_events.h"
#include "command/host_config.h"
#include "plugin/complaints.h"
#include "plugin/config.h"

namespace belfry::command {
namespace {

// What is queued may take so long before the plugins are stopped.
constexpr Nanoseconds kDrainTimeMax = std::chrono::seconds(5);

// One line, whatever thread it comes from.
void Log(const std::string& line) { std::cerr << "belfry: " + line + "\n" << std::flush; }

// Everything that is wrong with the plugins, before any of their code runs.
absl::StatusOr<std::vector<PluginNote>> ReadNotes(const HostConfig& config) {
  std::vector<PluginNote> notes;
  Complaints complaints;
  for (std::size_t i = 0; i < config.plugins.size(); ++i) {
    const HostConfig::Plugin& plugin = config.plugins[i];
    const absl::StatusOr<PluginFile> file = ReadPluginFile(plugin.file);
    const absl::Status fits = file.ok() ? CheckConfig(file->note, plugin.config) : file.status();
    if (!fits.ok()) {
      complaints.Add(fits.code(),
                     "plugins[" + std::to_string(i) + "]: " + std::string(fits.message()));
    } else {
      notes.push_back(file->note);
    }
  }
  if (!complaints.empty()) return complaints.status("nothing was started");
  return notes;
}

// Errors: of the first one that cannot be loaded or started.
absl::StatusOr<std::vector<std::string>> StartPlugins(PluginHost& host, const HostConfig& config) {
  std::vector<std::string> ids;
  for (const HostConfig::Plugin& plugin : config.plugins) {
    const absl::StatusOr<std::string> id = host.Load(plugin.file);
    if (!id.ok()) return id.status();
    ids.push_back(*id);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (absl::Status started = host.Start(ids[i], config.plugins[i].config); !started.ok()) {
      return started;
    }
    Log("started " + ids[i]);
  }
  return ids;
}

// The reverse of StartPlugins. Errors: the first one.
absl::Status StopPlugins(Dispatcher& dispatcher, PluginHost& host, std::vector<std::string> ids) {
  if (dispatcher.Drain(kDrainTimeMax) != DrainResult::kDrained) {
    Log("what is still queued is cancelled: plugins are busy, or publish without end");
  }
  absl::Status first;
  for (; !ids.empty(); ids.pop_back()) {
    absl::Status stopped = host.Stop(ids.back());
    if (stopped.ok()) Log("stopped " + ids.back());
    first.Update(stopped);
  }
  return first;
}

}  // namespace

absl::Status RunHost(const std::string& path) {
  const absl::StatusOr<HostConfig> config = ReadHostConfig(path);
  if (!config.ok()) return config.status();
  const absl::StatusOr<std::vector<PluginNote>> notes = ReadNotes(*config);
  if (!notes.ok()) return notes.status();

  // Each outlives those below it.
  EventLoop loop;
  Dispatcher dispatcher({.pool = {.threads = config->threads}});
  // Blocked from here on, so that no thread of a plugin's gets them.
  std::optional<Signals> signals(std::in_place, loop, dispatcher,
                                 std::initializer_list<int>{SIGTERM, SIGINT});
  const Subscription failures = dispatcher.Subscribe(
      [](const ListenerFailed& failed) {
        Log("listener " + failed.listener + " failed: " + failed.what);
      },
      {.name = "belfry.failures"});
  const Subscription stop = dispatcher.Subscribe([&](const SignalReceived&) { loop.Stop(); },
                                                 {.name = "belfry.stop", .run = Run::kInline});
  PluginHost host(dispatcher,
                  {.log = [](std::string_view plugin, std::uint32_t level, std::string_view line) {
                    Log(std::string(plugin) + ": " + std::string(LogLevelName(level)) + ": " +
                        std::string(line));
                  }});
  ExposeForeign(host, *notes);
  const absl::StatusOr<std::vector<std::string>> ids = StartPlugins(host, *config);
  if (!ids.ok()) return ids.status();
  Log("running; SIGTERM or SIGINT ends it");
  loop.Run();

  signals.reset();
  Log("stopping; a second signal ends it at once");
  return StopPlugins(dispatcher, host, *ids);
}

}  // namespace belfry::command
