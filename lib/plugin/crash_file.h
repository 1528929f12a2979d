// The file in which crashes of plugins are written down.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "belfry/plugin_crash.h"

namespace belfry {

// Thread safety: one thread at a time, but for descriptor().
class CrashFile {
 public:
  // "" is none. Throws std::system_error when it cannot be opened.
  explicit CrashFile(std::string path);
  ~CrashFile();
  CrashFile(const CrashFile&) = delete;
  CrashFile& operator=(const CrashFile&) = delete;

  // What is written here is appended. Below zero: there is none.
  int descriptor() const { return fd_; }

  // Errors: FAILED_PRECONDITION: that version of the plugin crashed, how, and what to do.
  absl::Status CheckPlugin(const std::string& id, const std::string& version) const;
  // Deletes the plugin's lines. Errors: NOT_FOUND (there are none), what the system says.
  absl::Status Forgive(std::string_view id);

 private:
  const std::string path_;
  int fd_ = -1;
};

// Of a crash, safe in a signal's handler: the line, as in the file.
void WriteCrash(int descriptor, const char* plugin, const char* version, const char* listener,
                const char* event, const char* signal);

}  // namespace belfry
