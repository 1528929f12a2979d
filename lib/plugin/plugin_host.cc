#include "belfry/plugin_host.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "belfry/check.h"
#include "plugin/crash_file.h"
#include "plugin/crash_handler.h"
#include "plugin/exposed_events.h"
#include "plugin/hosted_plugin.h"
#include "plugin/plugin_watch.h"
#include "plugin/start_order.h"

namespace belfry {
namespace {

absl::Status NoSuchPlugin(std::string_view id) {
  return absl::NotFoundError("there is no plugin " + std::string(id));
}

}  // namespace

PluginHost::PluginHost(Dispatcher& dispatcher, PluginHostOptions options)
    : dispatcher_(dispatcher),
      options_(std::move(options)),
      exposed_(std::make_unique<ExposedEvents>()),
      crashes_(std::make_shared<CrashFile>(options_.crash_file)),
      crash_handler_(options_.crash_file.empty() ? nullptr : std::make_unique<CrashHandler>()) {
  const Nanoseconds deadline = options_.breaker.deadline;
  if (deadline <= Nanoseconds::zero()) return;
  Timers* const timers = dispatcher.timers();
  BELFRY_CHECK(timers != nullptr, "PluginBreaker::deadline needs a dispatcher with timers");
  watch_ = std::make_shared<PluginWatch>(dispatcher.clock(), *timers, deadline);
  watch_->Arm();
}

PluginHost::~PluginHost() {
  const absl::Status stopped = StopAll();
  BELFRY_CHECK(!absl::IsAborted(stopped),
               "a plugin's host was destroyed inside a listener of that plugin");
  for (auto* const plugins : {&plugins_, &succeeded_}) {
    for (auto& plugin : *plugins) {
      if (plugin->state() != PluginState::kLoaded) HostedPlugin::Abandon(std::move(plugin));
    }
  }
  plugins_.clear();
  succeeded_.clear();
  if (watch_ != nullptr) watch_->Stop();
}

PluginSurroundings PluginHost::surroundings() const {
  return {dispatcher_, *exposed_, options_, crashes_, watch_.get()};
}

void PluginHost::Expose(PluginBridge bridge) { exposed_->Add(std::move(bridge)); }

absl::StatusOr<std::string> PluginHost::Load(const std::string& path) {
  auto plugin = HostedPlugin::Load(path, surroundings());
  if (!plugin.ok()) return plugin.status();
  return Keep(*std::move(plugin));
}

std::vector<PluginHost::Loaded> PluginHost::LoadFolder(const std::string& path) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator file(path, error), end; !error && file != end;
       file.increment(error)) {
    if (file->path().extension() == ".so") files.push_back(file->path().string());
  }
  std::vector<Loaded> loaded;
  if (error) {
    loaded.push_back(
        {path, absl::NotFoundError("plugins' folder \"" + path + "\": " + error.message())});
    return loaded;
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) loaded.push_back({file, Load(file)});
  return loaded;
}

absl::StatusOr<std::string> PluginHost::Add(const belfry_plugin& plugin) {
  auto linked = HostedPlugin::Link(plugin, surroundings());
  if (!linked.ok()) return linked.status();
  return Keep(*std::move(linked));
}

absl::StatusOr<std::string> PluginHost::Keep(std::unique_ptr<HostedPlugin> plugin) {
  std::string id = plugin->id();
  if (const HostedPlugin* const other = Find(id)) {
    const std::string first = other->info().path;
    const std::string second = plugin->info().path;
    // Nothing keeps it from going again, and nobody asked for it.
    plugin->Unload().IgnoreError();
    return absl::AlreadyExistsError("plugin \"" + second + "\": its id is " + id +
                                    ", and so is that of \"" + first + "\"");
  }
  plugins_.push_back(std::move(plugin));
  return id;
}

absl::StatusOr<std::vector<std::string>> PluginHost::StartOrder() const {
  std::vector<const PluginNote*> notes;
  for (const auto& plugin : plugins_) {
    if (plugin->state() == PluginState::kLoaded) notes.push_back(&plugin->note());
  }
  const auto order = belfry::StartOrder(std::move(notes));
  if (!order.ok()) return order.status();
  std::vector<std::string> ids;
  for (const PluginNote* const note : *order) ids.push_back(note->id);
  return ids;
}

absl::Status PluginHost::Start(std::string_view id, std::string_view config) {
  HostedPlugin* const plugin = Find(id);
  return plugin == nullptr ? NoSuchPlugin(id) : plugin->Start(config, ++starts_);
}

absl::StatusOr<PluginUnload> PluginHost::Swap(std::string_view id, const std::string& path,
                                              std::string_view config) {
  return Succeed(id, HostedPlugin::Load(path, surroundings()), config);
}

absl::StatusOr<PluginUnload> PluginHost::Swap(std::string_view id, const belfry_plugin& plugin,
                                              std::string_view config) {
  return Succeed(id, HostedPlugin::Link(plugin, surroundings()), config);
}

absl::StatusOr<PluginUnload> PluginHost::Succeed(std::string_view id,
                                                 absl::StatusOr<std::unique_ptr<HostedPlugin>> next,
                                                 std::string_view config) {
  if (!next.ok()) return next.status();
  absl::Status succeeded = CheckSuccessor(id, **next);
  if (succeeded.ok()) succeeded = (*next)->Succeed(*Find(id), config);
  if (!succeeded.ok() && !absl::IsAborted(succeeded)) {
    (*next)->Unload().IgnoreError();  // nobody asked for it to stay
    return succeeded;
  }
  const auto place = std::find_if(plugins_.begin(), plugins_.end(),
                                  [&](const auto& plugin) { return plugin->id() == id; });
  place->swap(*next);
  std::unique_ptr<HostedPlugin> former = *std::move(next);
  if (succeeded.ok()) succeeded = former->Stop();
  const absl::StatusOr<PluginUnload> unloaded = former->Unload();
  const bool gone = unloaded.ok() && *unloaded == PluginUnload::kUnmapped;
  if (!gone) succeeded_.push_back(std::move(former));
  if (!succeeded.ok()) return succeeded;
  return gone ? PluginUnload::kUnmapped : PluginUnload::kLingering;
}

absl::Status PluginHost::CheckSuccessor(std::string_view id, const HostedPlugin& next) const {
  const HostedPlugin* const former = Find(id);
  if (former == nullptr) return NoSuchPlugin(id);
  if (next.id() != id) {
    return absl::InvalidArgumentError("plugin \"" + next.info().path + "\": its id is " +
                                      next.id() + ", wanted is " + std::string(id));
  }
  if (former->state() != PluginState::kRunning) {
    return absl::FailedPreconditionError("plugin " + next.id() +
                                         " is not running: stop it, and load the other one");
  }
  if (dispatcher_.Drain(Nanoseconds::zero()) == DrainResult::kWouldDeadlock) {
    return absl::FailedPreconditionError("plugin " + next.id() +
                                         " cannot be swapped inside of a listener");
  }
  return absl::OkStatus();
}

absl::Status PluginHost::Forgive(std::string_view id) {
  if (crashes_->descriptor() < 0) return absl::NotFoundError("there is no crash file");
  return crashes_->Forgive(id);
}

absl::Status PluginHost::Disable(std::string_view id) {
  HostedPlugin* const plugin = Find(id);
  return plugin == nullptr ? NoSuchPlugin(id) : plugin->Disable();
}

absl::Status PluginHost::Enable(std::string_view id) {
  HostedPlugin* const plugin = Find(id);
  return plugin == nullptr ? NoSuchPlugin(id) : plugin->Enable();
}

absl::Status PluginHost::Stop(std::string_view id) {
  HostedPlugin* const plugin = Find(id);
  return plugin == nullptr ? NoSuchPlugin(id) : plugin->Stop();
}

absl::Status PluginHost::StopAll() {
  std::vector<HostedPlugin*> started;
  for (const auto* const plugins : {&plugins_, &succeeded_}) {
    for (const auto& plugin : *plugins) {
      if (plugin->state() != PluginState::kLoaded) started.push_back(plugin.get());
    }
  }
  std::sort(started.begin(), started.end(), [](const HostedPlugin* a, const HostedPlugin* b) {
    return a->started_as() > b->started_as();
  });
  absl::Status first;
  for (HostedPlugin* const plugin : started) first.Update(plugin->Stop());
  return first;
}

absl::StatusOr<PluginUnload> PluginHost::Unload(std::string_view id) {
  HostedPlugin* const plugin = Find(id);
  if (plugin == nullptr) return NoSuchPlugin(id);
  absl::StatusOr<PluginUnload> unloaded = plugin->Unload();
  if (unloaded.ok()) {
    plugins_.erase(std::find_if(plugins_.begin(), plugins_.end(),
                                [&](const auto& one) { return one.get() == plugin; }));
  }
  return unloaded;
}

std::vector<PluginInfo> PluginHost::plugins() const {
  std::vector<PluginInfo> infos;
  for (const auto& plugin : plugins_) infos.push_back(plugin->info());
  return infos;
}

HostedPlugin* PluginHost::Find(std::string_view id) const {
  for (const auto& plugin : plugins_) {
    if (plugin->id() == id) return plugin.get();
  }
  return nullptr;
}

}  // namespace belfry
