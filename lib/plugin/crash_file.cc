#include "plugin/crash_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "plugin/safe_text.h"

namespace belfry {
namespace {

// A line: the fields with a tab behind each, and the line's end.
std::string LineOf(const PluginCrash& crash) {
  return crash.plugin + '\t' + crash.version + '\t' + crash.listener + '\t' + crash.event + '\t' +
         crash.signal + '\t' + '\n';
}

bool ReadLine(const std::string& line, PluginCrash& crash) {
  std::istringstream fields(line);
  for (std::string PluginCrash::*const field :
       {&PluginCrash::plugin, &PluginCrash::version, &PluginCrash::listener, &PluginCrash::event,
        &PluginCrash::signal}) {
    if (!std::getline(fields, crash.*field, '\t') || fields.eof()) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::vector<PluginCrash>> ReadPluginCrashes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, "crash file \"" + path + "\"");
  std::vector<PluginCrash> crashes;
  for (std::string line; std::getline(file, line);) {
    PluginCrash crash;
    if (ReadLine(line, crash)) crashes.push_back(std::move(crash));
  }
  return crashes;
}

CrashFile::CrashFile(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "crash file \"" + path_ + "\"");
  }
}

CrashFile::~CrashFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status CrashFile::CheckPlugin(const std::string& id, const std::string& version) const {
  if (fd_ < 0) return absl::OkStatus();
  const absl::StatusOr<std::vector<PluginCrash>> crashes = ReadPluginCrashes(path_);
  if (!crashes.ok()) return crashes.status();
  for (const PluginCrash& crash : *crashes) {
    if (crash.plugin != id || crash.version != version) continue;
    std::string why = "plugin " + id + " ";
    why += version + " is off, since it crashed the program: ";
    why += crash.signal + " in " + crash.listener;
    if (!crash.event.empty()) why += " at " + crash.event;
    why += "; call Forgive, or delete its line from \"" + path_ + "\"";
    return absl::FailedPreconditionError(why);
  }
  return absl::OkStatus();
}

absl::Status CrashFile::Forgive(std::string_view id) {
  const absl::StatusOr<std::vector<PluginCrash>> crashes = ReadPluginCrashes(path_);
  if (!crashes.ok()) return crashes.status();
  std::string kept;
  bool found = false;
  for (const PluginCrash& crash : *crashes) {
    if (crash.plugin == id) {
      found = true;
    } else {
      kept += LineOf(crash);
    }
  }
  if (!found) return absl::NotFoundError("plugin " + std::string(id) + " has not crashed");
  // In place: the descriptor stays the one that a crash is written to.
  if (::ftruncate(fd_, 0) != 0 ||
      ::write(fd_, kept.data(), kept.size()) != static_cast<ssize_t>(kept.size())) {
    return absl::ErrnoToStatus(errno, "crash file \"" + path_ + "\"");
  }
  return absl::OkStatus();
}

void WriteCrash(int descriptor, const char* plugin, const char* version, const char* listener,
                const char* event, const char* signal) {
  SafeText line;
  for (const char* const field : {plugin, version, listener, event, signal}) {
    line.AddField(field);
    line.Add("\t");
  }
  line.Add("\n");
  line.WriteTo(descriptor);
}

}  // namespace belfry
