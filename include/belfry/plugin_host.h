// Loads listeners that were compiled apart, and keeps them from harming the program.
//
//   belfry::PluginHost host(dispatcher);
//   host.Expose(belfry::Exposed<OrderPlaced>());
//   host.Expose(belfry::Exposed<OrderThanked>());
//   const absl::StatusOr<std::string> hello = host.Load(path);
//   if (hello.ok()) host.Start(*hello).IgnoreError();
//
// Link belfry::plugin.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/export.h"
#include "belfry/plugin.h"
#include "belfry/plugin_bridge.h"
#include "belfry/plugin_host_options.h"
#include "belfry/plugin_info.h"

namespace belfry {

class CrashFile;
class CrashHandler;
class ExposedEvents;
class HostedPlugin;
class PluginWatch;
struct PluginSurroundings;

// Owns what plugins subscribe. A plugin's listeners are named ID.NAME.
//
// Thread safety: one thread at a time, which may be any. Inside a plugin's listener its Disable,
// Stop and Unload are refused.
// Order: plugins are stopped in the reverse order of their starts.
// Lifetime: the dispatcher outlives it. The destructor stops all plugins, and unloads none; inside
// one of their listeners it aborts. One that cannot be stopped within the limit stays as it is.
// Errors: statuses name the plugin, what is wrong, both values, and what to do.
class BELFRY_EXPORT PluginHost {
 public:
  // Throws std::system_error when the crash file cannot be opened.
  explicit PluginHost(Dispatcher& dispatcher, PluginHostOptions options = {});
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Lets plugins listen to and publish events of that type. One without a declared name, or a name
  // twice, is a bug (aborts).
  void Expose(PluginBridge bridge);

  // Opens a file, checks it, loads what was checked, and returns the plugin's id. The constructors
  // of its global objects run. A file that is not unloaded keeps one descriptor until the process
  // ends. $ORIGIN in its RUNPATH is of no use, since it is loaded by the descriptor.
  // Errors: those of ReadPluginFile; ALREADY_EXISTS (the file, or a plugin of that id, is loaded);
  // FAILED_PRECONDITION (the system cannot load it; its symbol is missing or contradicts its note).
  absl::StatusOr<std::string> Load(const std::string& path);
  // The same for each NAME.so of a folder, in the order of their names.
  struct Loaded {
    std::string path;
    absl::StatusOr<std::string> id;
  };
  std::vector<Loaded> LoadFolder(const std::string& path);
  // The same for one that is linked into the program.
  absl::StatusOr<std::string> Add(const belfry_plugin& plugin);

  // The ids of the plugins that are loaded and not started, in an order to start them in: whoever
  // listens to an event, by its note, before whoever publishes it; else in the order of loading.
  // Errors: FAILED_PRECONDITION: they have none, since there is a cycle, which is named.
  absl::StatusOr<std::vector<std::string>> StartOrder() const;

  // Starts a plugin that is loaded with a configuration: a JSON object with the keys of its note.
  // Errors: INVALID_ARGUMENT (names each key that is missing, unknown or of another type),
  // FAILED_PRECONDITION (it is started; it crashed the program before: plugin_crash.h), NOT_FOUND
  // (no such plugin), or the plugin's own. Nothing of it is subscribed then.
  absl::Status Start(std::string_view id, std::string_view config = "{}");

  // Lets a plugin start that has crashed the program. Errors: NOT_FOUND (it has not), what the
  // system says of the file.
  absl::Status Forgive(std::string_view id);

  // After this none of its listeners runs, or will, and what it publishes is refused, until it is
  // enabled. It keeps its instance. What is queued for it is cancelled and counted.
  // Blocking: until running deliveries to it have ended.
  // Errors: ABORTED: inside one of its own listeners, or the wait would close a cycle. It is
  // disabled then, but a listener of it may still be running. DEADLINE_EXCEEDED: likewise, since
  // one of them has not ended within PluginHostOptions::disable_limit.
  absl::Status Disable(std::string_view id);
  absl::Status Enable(std::string_view id);  // Errors: FAILED_PRECONDITION (it is not disabled)

  // Puts the plugin in the file, another one of the same id, into the place of one that runs. The
  // new one is started first. Its listeners that have the name, event type and way to run of one of
  // the former's take that one's place and what is queued there: each event is handled once, by
  // one of the two. What the former alone listened to is cancelled and counted. Then the former is
  // stopped, and its file unloaded where that can be; the answer says whether.
  // Blocking: until running deliveries to the former have ended.
  // Errors: those of Load and Start; INVALID_ARGUMENT (another id); FAILED_PRECONDITION (the former
  // does not run; inside a listener): the former runs on. ABORTED: the new one runs, but a listener
  // of the former still does, which this thread waits for; StopAll stops that.
  absl::StatusOr<PluginUnload> Swap(std::string_view id, const std::string& path,
                                    std::string_view config = "{}");
  // The same for one that is linked into the program.
  absl::StatusOr<PluginUnload> Swap(std::string_view id, const belfry_plugin& plugin,
                                    std::string_view config = "{}");

  // Disables it, releases its listeners and lets it destroy its instance.
  // Errors: as Disable; it is disabled then, and not stopped. FAILED_PRECONDITION (not started).
  absl::Status Stop(std::string_view id);
  // All that are started. Errors: the first one.
  absl::Status StopAll();

  // Closes the file of a plugin that is not started, and looks whether it is gone.
  // Errors: FAILED_PRECONDITION (it is started, linked in, or has unique symbols, which are named:
  // the system would never unmap it). It stays loaded then.
  absl::StatusOr<PluginUnload> Unload(std::string_view id);

  std::vector<PluginInfo> plugins() const;  // in order of loading

 private:
  PluginSurroundings surroundings() const;
  HostedPlugin* Find(std::string_view id) const;
  absl::StatusOr<std::string> Keep(std::unique_ptr<HostedPlugin> plugin);
  absl::Status CheckSuccessor(std::string_view id, const HostedPlugin& next) const;
  absl::StatusOr<PluginUnload> Succeed(std::string_view id,
                                       absl::StatusOr<std::unique_ptr<HostedPlugin>> next,
                                       std::string_view config);

  Dispatcher& dispatcher_;
  const PluginHostOptions options_;
  const std::unique_ptr<ExposedEvents> exposed_;
  const std::shared_ptr<CrashFile> crashes_;
  const std::unique_ptr<CrashHandler> crash_handler_;  // null: they are not caught
  std::vector<std::unique_ptr<HostedPlugin>> plugins_;
  std::vector<std::unique_ptr<HostedPlugin>> succeeded_;  // former ones that are still mapped
  std::uint64_t starts_ = 0;
  std::shared_ptr<PluginWatch> watch_;  // null: nobody looks
};

}  // namespace belfry
