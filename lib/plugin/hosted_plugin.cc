#include "plugin/hosted_plugin.h"

#include <dlfcn.h>
#include <link.h>

#include "plugin/border.h"
#include "plugin/complaints.h"
#include "plugin/config.h"
#include "plugin/mapped_file.h"
#include "plugin/plugin_call.h"
#include "plugin/plugin_watch.h"

namespace belfry {
namespace {

constexpr char kSymbol[] = BELFRY_SPELLED_(BELFRY_PLUGIN_SYMBOL);

std::string LoaderError() {
  const char* const error = ::dlerror();
  return error == nullptr ? "no reason given" : error;
}

// The file that a library was loaded from, as in mapped_file.h; "" when the system does not say.
std::string MappedBy(void* library) {
  link_map* map = nullptr;
  if (::dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return "";
  return MappedFileAt(map->l_ld);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HostedPlugin>> HostedPlugin::Load(const std::string& path,
                                                                 PluginSurroundings host) {
  absl::StatusOr<CheckedFile> file = CheckedFile::Open(path, host.options.trust);
  if (!file.ok()) return file.status();
  std::unique_ptr<HostedPlugin> plugin(new HostedPlugin(file->contents().note, host));
  plugin->path_ = path;
  plugin->file_.emplace(*std::move(file));
  if (absl::Status opened = plugin->Open(); !opened.ok()) {
    return absl::Status(opened.code(), "plugin \"" + path + "\": " + std::string(opened.message()));
  }
  return plugin;
}

absl::StatusOr<std::unique_ptr<HostedPlugin>> HostedPlugin::Link(const belfry_plugin& plugin,
                                                                 PluginSurroundings host) {
  absl::StatusOr<PluginNote> note = ReadPluginNote(ViewOf(plugin.note));
  if (!note.ok()) return note.status();
  std::unique_ptr<HostedPlugin> linked(new HostedPlugin(*std::move(note), host));
  linked->plugin_ = &plugin;
  if (absl::Status sound = linked->CheckSymbol(); !sound.ok()) return sound;
  return linked;
}

HostedPlugin::HostedPlugin(PluginNote note, PluginSurroundings host)
    : note_(std::move(note)),
      crashes_(std::move(host.crashes)),
      watch_(host.watch),
      context_(host.dispatcher, host.exposed, host.options, crashes_->descriptor(), note_) {
  if (watch_ != nullptr) watch_->Add(context_.account());
}

void HostedPlugin::Abandon(std::unique_ptr<HostedPlugin> plugin) {
  if (plugin->watch_ != nullptr) plugin->watch_->Remove(plugin->context_.account());
  plugin->context_.Ended();
  plugin->context_.account().Silence();
  // Its code runs, and will use what is its own.
  static auto& abandoned = *new std::vector<std::unique_ptr<HostedPlugin>>;
  abandoned.push_back(std::move(plugin));
}

HostedPlugin::~HostedPlugin() {
  if (watch_ != nullptr) watch_->Remove(context_.account());
  // The loader knows the file by the descriptor's number, which nobody else may get.
  if (library_ != nullptr) file_->KeepOpen();
}

absl::Status HostedPlugin::Open() {
  const std::string name = file_->name();
  // Whoever has loaded it before would share its global objects with us. The loader is not asked:
  // it would know the former library by our descriptor's name from then on.
  const std::string mapped = MappedFileOf(file_->fd());
  if (mapped.empty()) return absl::UnavailableError("/proc/self/maps does not say where it is");
  if (IsMapped(mapped)) {
    return absl::AlreadyExistsError(
        "the file is loaded in this process already: load a copy of it to have it twice");
  }
  library_ = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    return absl::FailedPreconditionError("the system cannot load it: " + LoaderError());
  }
  plugin_ = static_cast<const belfry_plugin*>(::dlsym(library_, kSymbol));
  absl::Status sound = CheckSymbol();
  if (sound.ok()) return sound;
  Close();
  return sound;
}

PluginUnload HostedPlugin::Close() {
  const std::string mapped = MappedBy(library_);
  ::dlclose(library_);
  plugin_ = nullptr;
  if (mapped.empty() || IsMapped(mapped)) return PluginUnload::kLingering;
  library_ = nullptr;
  return PluginUnload::kUnmapped;
}

absl::Status HostedPlugin::CheckSymbol() const {
  constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
  Complaints complaints;
  if (plugin_ == nullptr) {
    complaints.Add(kPrecondition, std::string("it has no symbol ") + kSymbol +
                                      ": define it with BELFRY_PLUGIN, and do not hide it");
    return complaints.status("its symbol");
  }
  if (!BELFRY_HAS(belfry_plugin, plugin_, stop)) {
    complaints.Add(kPrecondition, "it has " + std::to_string(plugin_->size) +
                                      " bytes, version 1.0 has " +
                                      std::to_string(offsetof(belfry_plugin, extension)));
    return complaints.status("its symbol");
  }
  if (plugin_->abi_major != note_.abi_major || plugin_->abi_minor != note_.abi_minor) {
    complaints.Add(kPrecondition, "it is of version " + std::to_string(plugin_->abi_major) + "." +
                                      std::to_string(plugin_->abi_minor) + ", the note says " +
                                      std::to_string(note_.abi_major) + "." +
                                      std::to_string(note_.abi_minor));
  }
  if (ViewOf(plugin_->note) != note_.text) {
    complaints.Add(kPrecondition, "its note is another one than the file's");
  }
  if (plugin_->start == nullptr || plugin_->stop == nullptr) {
    complaints.Add(kPrecondition, "it has no start, or no stop");
  }
  return complaints.status("its symbol");
}

PluginInfo HostedPlugin::info() const {
  const PluginCounts& counts = context_.account().counts();
  return {.id = note_.id,
          .version = note_.version,
          .path = path_,
          .state = state_,
          .cut_off = context_.account().breaker().why(),
          .delivered = counts.delivered.sum(),
          .failed = counts.failed.load(std::memory_order_relaxed),
          .refused = counts.refused.load(std::memory_order_relaxed),
          .published = counts.published.load(std::memory_order_relaxed),
          .timed = counts.timed.load(std::memory_order_relaxed),
          .timed_for = Nanoseconds(counts.timed_for.load(std::memory_order_relaxed))};
}

absl::Status HostedPlugin::Start(std::string_view config, std::uint64_t started_as) {
  if (state_ != PluginState::kLoaded) {
    return absl::FailedPreconditionError("plugin " + id() + " is started already");
  }
  if (absl::Status may = CheckStart(config); !may.ok()) return may;
  context_.Begin();
  if (absl::Status started = CallStart(config); !started.ok()) return started;
  if (absl::Status enabled = context_.Enable(); !enabled.ok()) {
    CallStop();
    return enabled;
  }
  state_ = PluginState::kRunning;
  started_as_ = started_as;
  return absl::OkStatus();
}

absl::Status HostedPlugin::Succeed(HostedPlugin& former, std::string_view config) {
  if (absl::Status may = CheckStart(config); !may.ok()) return may;
  context_.Begin();
  if (absl::Status started = CallStart(config); !started.ok()) return started;
  absl::Status taken = context_.TakeOver(former.context_);
  if (!taken.ok() && !absl::IsAborted(taken)) {
    former.context_.TakeOver(context_).IgnoreError();
    context_.Disable().IgnoreError();
    CallStop();
    return taken;
  }
  state_ = PluginState::kRunning;
  started_as_ = former.started_as_;
  return taken;
}

absl::Status HostedPlugin::CheckStart(std::string_view config) const {
  if (absl::Status sound = crashes_->CheckPlugin(note_.id, note_.version); !sound.ok())
    return sound;
  return CheckConfig(note_, config);
}

// If it fails, nothing of it is left.
absl::Status HostedPlugin::CallStart(std::string_view config) {
  instance_ = nullptr;
  absl::Status started = CallPlugin([&](belfry_error* error) {
    const PluginCallScope scope({&context_.account(), "start", ""});
    return plugin_->start(&context_.table(), TextOf(config), &instance_, error);
  });
  if (started.ok()) return started;
  context_.Disable().IgnoreError();
  context_.ReleaseListeners();
  context_.Ended();
  return absl::Status(started.code(),
                      "plugin " + id() + " cannot start: " + std::string(started.message()));
}

absl::Status HostedPlugin::Disable() {
  if (state_ == PluginState::kLoaded) {
    return absl::FailedPreconditionError("plugin " + id() + " is not started");
  }
  state_ = PluginState::kDisabled;
  return context_.Disable();
}

absl::Status HostedPlugin::Enable() {
  if (state_ != PluginState::kDisabled) {
    return absl::FailedPreconditionError("plugin " + id() + " is not disabled");
  }
  absl::Status enabled = context_.Enable();
  if (enabled.ok()) state_ = PluginState::kRunning;
  return enabled;
}

absl::Status HostedPlugin::Stop() {
  if (absl::Status disabled = Disable(); !disabled.ok()) return disabled;
  CallStop();
  state_ = PluginState::kLoaded;
  return absl::OkStatus();
}

// It is disabled.
void HostedPlugin::CallStop() {
  context_.ReleaseListeners();
  context_.BeginStop();
  // A stop that throws has stopped nevertheless: there is nobody who could try again.
  CallPlugin([&](belfry_error*) {
    const PluginCallScope scope({&context_.account(), "stop", ""});
    plugin_->stop(instance_);
    return BELFRY_OK;
  }).IgnoreError();
  context_.Ended();
  instance_ = nullptr;
}

absl::StatusOr<PluginUnload> HostedPlugin::Unload() {
  const auto refused = [&](const std::string& why) {
    return absl::FailedPreconditionError("plugin " + id() + " cannot be unloaded: " + why);
  };
  if (state_ != PluginState::kLoaded) return refused("it is started: stop it first");
  if (library_ == nullptr) return refused("it is linked into the program");
  const std::vector<std::string>& unique = file_->contents().unique_symbols;
  if (!unique.empty()) {
    return refused("the system would never unmap it, because of unique symbols such as " +
                   unique.front() + ": compile it with -fno-gnu-unique");
  }
  return Close();
}

}  // namespace belfry
