// The audit log's file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace signup {

// Lines, appended whole: each by one write, so that those of several threads and processes never
// mix. They are the system's once Write has returned; a power cut may take the last ones.
//
// Thread safety: any thread.
class AuditFile {
 public:
  // Errors: as the system says, naming the path.
  static absl::StatusOr<std::unique_ptr<AuditFile>> Open(std::string path);
  ~AuditFile();
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  absl::Status Write(std::string_view line);

 private:
  AuditFile(std::string path, int file) : path_(std::move(path)), file_(file) {}

  const std::string path_;
  const int file_;
};

}  // namespace signup
