// One plugin of a host, from its loading to its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/plugin.h"
#include "belfry/plugin_host.h"
#include "plugin/checked_file.h"
#include "plugin/crash_file.h"
#include "plugin/plugin_context.h"

namespace belfry {

// What each plugin needs of its host.
struct PluginSurroundings {
  Dispatcher& dispatcher;
  const ExposedEvents& exposed;
  const PluginHostOptions& options;
  std::shared_ptr<const CrashFile> crashes;
  PluginWatch* watch;  // may be null
};

// Thread safety: one thread at a time.
// Lifetime: not started when it is destroyed. A file that was not unloaded stays mapped then.
class HostedPlugin {
 public:
  // Errors: see PluginHost::Load.
  static absl::StatusOr<std::unique_ptr<HostedPlugin>> Load(const std::string& path,
                                                            PluginSurroundings host);
  static absl::StatusOr<std::unique_ptr<HostedPlugin>> Link(const belfry_plugin& plugin,
                                                            PluginSurroundings host);
  ~HostedPlugin();
  HostedPlugin(const HostedPlugin&) = delete;
  HostedPlugin& operator=(const HostedPlugin&) = delete;

  const PluginNote& note() const { return note_; }
  const std::string& id() const { return note_.id; }
  PluginState state() const { return state_; }
  std::uint64_t started_as() const { return started_as_; }  // the how many-th start it was
  PluginInfo info() const;

  // Errors: see PluginHost.
  absl::Status Start(std::string_view config, std::uint64_t started_as);
  // Starts in the place of `former`, which is running and has the same id. If this fails, that
  // runs on, but for ABORTED: then this one runs, and the former one is still to be stopped.
  absl::Status Succeed(HostedPlugin& former, std::string_view config);
  absl::Status Disable();
  absl::Status Enable();
  absl::Status Stop();
  absl::StatusOr<PluginUnload> Unload();
  // It could not be stopped, and is left where it is: what it calls is refused from now on.
  static void Abandon(std::unique_ptr<HostedPlugin> plugin);

 private:
  HostedPlugin(PluginNote note, PluginSurroundings host);
  absl::Status Open();
  absl::Status CheckSymbol() const;
  absl::Status CheckStart(std::string_view config) const;
  absl::Status CallStart(std::string_view config);
  void CallStop();
  PluginUnload Close();  // what cannot be seen to be gone is lingering

  const PluginNote note_;
  const std::shared_ptr<const CrashFile> crashes_;
  PluginWatch* const watch_;
  std::string path_;
  std::optional<CheckedFile> file_;
  void* library_ = nullptr;
  const belfry_plugin* plugin_ = nullptr;

  PluginContext context_;
  PluginState state_ = PluginState::kLoaded;
  std::uint64_t started_as_ = 0;
  belfry_instance* instance_ = nullptr;
};

}  // namespace belfry
