// Writes the events that the host makes known into a file, a line of JSON each.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "audit_config.h"
#include "audit_line.h"
#include "belfry/plugin.hpp"
#include "rotated_file.h"

namespace audit {
namespace {

using belfry::plugin::Host;
using belfry::plugin::KnownEvent;

// Thread safety: any thread.
class Log {
 public:
  explicit Log(RotatedFileOptions options) : file_(std::move(options)) {}

  bool found_torn_line() const { return file_.found_torn_line(); }

  // The times of the lines are in their order, unless the clock is set back.
  void Write(const KnownEvent& event, std::string_view json) {
    const std::lock_guard lock(mutex_);
    file_.Append(LineOf(std::chrono::system_clock::now(), event.name, event.schema_version, json));
  }

 private:
  std::mutex mutex_;
  RotatedFile file_;
};

// Those of the host's events that the configuration names, or all.
std::vector<KnownEvent> EventsToWrite(Host host, const std::vector<std::string>& names) {
  std::vector<KnownEvent> known = host.KnownEvents();
  std::string missing;
  for (const std::string& name : names) {
    const auto is_it = [&](const KnownEvent& event) { return event.name == name; };
    if (std::none_of(known.begin(), known.end(), is_it)) missing += " " + name;
  }
  if (!missing.empty()) {
    throw belfry::plugin::Error(BELFRY_NOT_FOUND,
                                "key events: the host does not know these:" + missing);
  }
  const auto is_left_out = [&](const KnownEvent& event) {
    return !names.empty() && std::find(names.begin(), names.end(), event.name) == names.end();
  };
  known.erase(std::remove_if(known.begin(), known.end(), is_left_out), known.end());
  return known;
}

class Audit {
 public:
  Audit(Host host, std::string_view json) : Audit(host, ReadConfig(json)) {}

 private:
  Audit(Host host, const Config& config)
      : events_(EventsToWrite(host, config.events)), log_(config.file) {
    if (log_.found_torn_line()) {
      host.Log(BELFRY_LOG_WARNING, config.file.path + " ended within a line, which was ended");
    }
    for (const KnownEvent& event : events_) {
      host.Listen(event.name, host.FindJson(event.name, event.schema_version),
                  [this, &event](std::string_view data) { log_.Write(event, data); });
    }
  }

  const std::vector<KnownEvent> events_;
  Log log_;
};

}  // namespace
}  // namespace audit

BELFRY_PLUGIN_CLASS(audit::Audit, BELFRY_ID("audit") BELFRY_PLUGIN_VERSION("1.0.0")
                                      BELFRY_LISTENS_TO_ANY BELFRY_REQUIRES_KEY("path", "text")
                                          BELFRY_ALLOWS_KEY("bytes_max", "integer")
                                              BELFRY_ALLOWS_KEY("files_max", "integer")
                                                  BELFRY_ALLOWS_KEY("events", "array"));
