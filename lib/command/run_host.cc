#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
#include "belfry/plugin_breaker.h"
#include "belfry/plugin_crash.h"
#include "belfry/plugin_file.h"
#include "belfry/plugin_host.h"
#include "belfry/signals.h"
#include "belfry/subscription_bag.h"
#include "command/commands.h"
#include "command/foreign_events.h"
#include "command/host_config.h"
#include "plugin/complaints.h"
#include "plugin/config.h"

namespace belfry::command {
namespace {

// What is queued may take so long before the plugins are stopped, and then each of them.
constexpr Nanoseconds kDrainTimeMax = std::chrono::seconds(5);
constexpr Nanoseconds kStopTimeMax = std::chrono::seconds(5);

// One line, whatever thread it comes from.
void Log(const std::string& line) { std::cerr << "belfry: " + line + "\n" << std::flush; }

void LogLine(std::string_view plugin, std::uint32_t level, std::string_view line) {
  Log(std::string(plugin) + ": " + std::string(LogLevelName(level)) + ": " + std::string(line));
}

SubscriptionBag LogTroubles(Dispatcher& dispatcher) {
  SubscriptionBag bag;
  bag += dispatcher.Subscribe(
      [](const ListenerFailed& failed) {
        Log("listener " + failed.listener + " failed: " + failed.what);
      },
      {.name = "belfry.failed"});
  bag += dispatcher.Subscribe(
      [](const PluginCutOff& cut_off) {
        Log("plugin " + cut_off.plugin + " is cut off: " + cut_off.why);
      },
      {.name = "belfry.cut_off"});
  bag += dispatcher.Subscribe(
      [](const PluginBack& back) { Log("plugin " + back.plugin + " is called again"); },
      {.name = "belfry.back"});
  return bag;
}

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

// Leaves out of both those that have crashed this host before, and says so.
absl::Status LeaveOutCrashed(HostConfig& config, std::vector<PluginNote>& notes) {
  const absl::StatusOr<std::vector<PluginCrash>> crashes = ReadPluginCrashes(config.crash_file);
  if (absl::IsNotFound(crashes.status())) return absl::OkStatus();  // there was none yet
  if (!crashes.ok()) return crashes.status();
  for (const PluginCrash& crash : *crashes) {
    const auto note = std::find_if(notes.begin(), notes.end(), [&](const PluginNote& one) {
      return one.id == crash.plugin && one.version == crash.version;
    });
    if (note == notes.end()) continue;
    Log("plugin " + crash.plugin + " " + crash.version +
        " is left out, since it crashed: " + crash.signal + " in " + crash.listener +
        "; to start it, delete its line from \"" + config.crash_file + "\"");
    config.plugins.erase(config.plugins.begin() + (note - notes.begin()));
    notes.erase(note);
  }
  if (!notes.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError("no plugin is left");
}

// Errors: of the first one that cannot be loaded or started. `running` are those that are.
absl::Status StartPlugins(PluginHost& host, const HostConfig& config,
                          std::vector<std::string>& running) {
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
    running.push_back(ids[i]);
    Log("started " + ids[i]);
  }
  return absl::OkStatus();
}

// The last one first. Whether all have stopped.
bool StopPlugins(Dispatcher& dispatcher, PluginHost& host, std::vector<std::string> running) {
  if (dispatcher.Drain(kDrainTimeMax) != DrainResult::kDrained) {
    Log("what is still queued is cancelled: plugins are busy, or publish without end");
  }
  bool all = true;
  for (; !running.empty(); running.pop_back()) {
    const absl::Status stopped = host.Stop(running.back());
    if (!stopped.ok()) all = false;
    Log(stopped.ok() ? "stopped " + running.back()
                     : running.back() + " does not stop: " + std::string(stopped.message()));
  }
  return all;
}

}  // namespace

absl::Status RunHost(const std::string& path) {
  absl::StatusOr<HostConfig> config = ReadHostConfig(path);
  if (!config.ok()) return config.status();
  absl::StatusOr<std::vector<PluginNote>> notes = ReadNotes(*config);
  if (!notes.ok()) return notes.status();
  if (!config->crash_file.empty()) {
    if (absl::Status left = LeaveOutCrashed(*config, *notes); !left.ok()) return left;
  }

  // Each outlives those below it.
  EventLoop loop;
  Dispatcher dispatcher({.pool = {.threads = config->threads}});
  // Blocked from here on, so that no thread of a plugin's gets them.
  std::optional<Signals> signals(std::in_place, loop, dispatcher,
                                 std::initializer_list<int>{SIGTERM, SIGINT});
  const SubscriptionBag troubles = LogTroubles(dispatcher);
  const Subscription stop = dispatcher.Subscribe([&](const SignalReceived&) { loop.Stop(); },
                                                 {.name = "belfry.stop", .run = Run::kInline});
  PluginHost host(
      dispatcher,
      {.disable_limit = kStopTimeMax, .crash_file = config->crash_file, .log = LogLine});
  ExposeForeign(host, *notes);
  std::vector<std::string> running;
  absl::Status started = StartPlugins(host, *config, running);
  if (started.ok()) {
    Log("running; SIGTERM or SIGINT ends it");
    loop.Run();
  }

  signals.reset();
  Log("stopping; a second signal ends it at once");
  if (StopPlugins(dispatcher, host, std::move(running))) return started;
  std::_Exit(EXIT_FAILURE);  // destructors would wait for what is stuck
}

}  // namespace belfry::command
