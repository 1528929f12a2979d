#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"

#include "belfry/dispatcher.h"
#include "belfry/foreign_event.h"
#include "belfry/library_events.h"
#include "belfry/plugin_file.h"
#include "belfry/plugin_host.h"
#include "belfry/testing/world.h"
#include "command/commands.h"
#include "command/foreign_events.h"

namespace belfry::command {
namespace {

// A plugin that listens to what it publishes may go on for ever.
constexpr int kStepsMax = 10'000;

// What a thread that has been joined may take until the system forgets it.
constexpr std::chrono::seconds kThreadEndMax{1};

std::ptrdiff_t CountThreads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

// Shows what happens, where it happens.
class Stage {
 public:
  explicit Stage(const PluginNote& note) : host_(world_.dispatcher(), Options()) {
    std::cout << std::unitbuf;  // what was shown stays, though it crashes
    ExposeForeign(host_, {note});
  }

  absl::Status Start(const PluginRun& run) {
    const absl::StatusOr<std::string> id = host_.Load(run.file);
    return id.ok() ? host_.Start(*id, run.config) : id.status();
  }

  // Errors: the plugin does not come to rest.
  absl::Status Deliver(ForeignEvent event) {
    given_ = true;
    world_.dispatcher().Publish(std::move(event));
    for (int steps = 0; world_.Step(); ++steps) {
      if (steps == kStepsMax) {
        return absl::DeadlineExceededError("no end after " + std::to_string(kStepsMax) +
                                           " deliveries: it listens to what it publishes");
      }
    }
    return absl::OkStatus();
  }

  // Errors: it does not stop, or leaves threads behind, in which its code runs when it is gone.
  absl::Status Stop() {
    const std::string id = host_.plugins().at(0).id;
    if (absl::Status stopped = host_.StopAll(); !stopped.ok()) return stopped;
    const auto until = std::chrono::steady_clock::now() + kThreadEndMax;
    while (CountThreads() > threads_before_ && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const std::ptrdiff_t left = CountThreads() - threads_before_;
    if (left <= 0) return absl::OkStatus();
    return absl::FailedPreconditionError("plugin " + id + ": " + std::to_string(left) +
                                         " of its threads still run: join them in its stop");
  }

  // Errors: a listener of it has failed, or none was called.
  absl::Status Judge() const {
    const PluginInfo plugin = host_.plugins().at(0);
    if (plugin.failed > 0) {
      return absl::AbortedError("plugin " + plugin.id + ": " + std::to_string(plugin.failed) +
                                " of " + std::to_string(plugin.delivered) +
                                " calls of its listeners failed");
    }
    if (plugin.delivered > 0) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "plugin " + plugin.id +
        ": no listener of it was called, though its note says that it listens to the event: "
        "subscribe in its start");
  }

 private:
  // However often it fails, it is not cut off. A crash is named, and not written down.
  static PluginHostOptions Options() {
    return {.breaker = {.failures = 0},
            .crash_file = "/dev/null",
            .log = [](std::string_view, std::uint32_t level, std::string_view line) {
              std::cout << "log         " << LogLevelName(level) << ": " << line << '\n';
            }};
  }

  // Nothing that goes wrong is the failure of a test here.
  testing::World world_{{.tolerated = {true, true, true, true, true}}};
  bool given_ = false;  // the event that comes next is the one that was asked for
  const Subscription shown_ = world_.dispatcher().Subscribe(
      [this](const ForeignEvent& event) {
        std::cout << (std::exchange(given_, false) ? "event       " : "published   ") << event.name
                  << " " << event.json << '\n';
      },
      {.name = "belfry.shown", .run = Run::kInline, .order = {.phase = Phase::kEarly}});
  const Subscription failed_ = world_.dispatcher().Subscribe(
      [](const ListenerFailed& failed) {
        std::cout << "failed      " << failed.listener << ": " << failed.what << '\n';
      },
      {.name = "belfry.failed", .run = Run::kInline});
  PluginHost host_;
  const std::ptrdiff_t threads_before_ = CountThreads();
};

}  // namespace

absl::Status RunPlugin(const PluginRun& run) {
  const absl::StatusOr<PluginFile> file = ReadPluginFile(run.file);
  if (!file.ok()) return file.status();
  PluginNote note = file->note;
  // One that listens to any event is given this one, of which nobody has said a version.
  if (note.listens_to_any) note.listens.push_back({run.event, 1});
  const auto event = std::find_if(note.listens.begin(), note.listens.end(),
                                  [&](const auto& one) { return one.name == run.event; });
  if (event == note.listens.end()) {
    const std::string names = absl::StrJoin(
        note.listens, ", ", [](std::string* text, const auto& one) { text->append(one.name); });
    return absl::NotFoundError("plugin " + note.id + " does not listen to " + run.event +
                               ", but to: " + (names.empty() ? "nothing" : names));
  }
  Stage stage(note);
  if (absl::Status started = stage.Start(run); !started.ok()) return started;
  absl::Status ended = stage.Deliver({event->name, event->schema_version, run.json});
  if (ended.ok()) ended = stage.Judge();
  ended.Update(stage.Stop());
  return ended;
}

}  // namespace belfry::command
