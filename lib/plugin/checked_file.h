// A plugin's file, open, and found to be one that may be loaded.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "belfry/plugin_file.h"

namespace belfry {

// Holds the descriptor that was checked, so that what is loaded later is what was checked, whatever
// has become of the name.
//
// Thread safety: a value.
class CheckedFile {
 public:
  // Errors: see ReadPluginFile.
  static absl::StatusOr<CheckedFile> Open(const std::string& path, PluginTrust trust);
  CheckedFile(CheckedFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), contents_(std::move(other.contents_)) {}
  CheckedFile& operator=(CheckedFile&&) = delete;
  ~CheckedFile();

  const PluginFile& contents() const { return contents_; }
  // A name of the descriptor, for as long as this lives.
  std::string name() const { return "/proc/self/fd/" + std::to_string(fd_); }
  int fd() const { return fd_; }
  // What name() names stays open until the process ends.
  void KeepOpen() { fd_ = -1; }

 private:
  CheckedFile() = default;
  absl::Status Check(PluginTrust trust);
  absl::Status ReadContents();

  int fd_ = -1;
  PluginFile contents_;
};

}  // namespace belfry
