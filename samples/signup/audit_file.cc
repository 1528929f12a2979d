#include "signup/audit_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace signup {

absl::StatusOr<std::unique_ptr<AuditFile>> AuditFile::Open(std::string path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (file < 0) return absl::ErrnoToStatus(errno, path);
  return std::unique_ptr<AuditFile>(new AuditFile(std::move(path), file));
}

AuditFile::~AuditFile() { ::close(file_); }

absl::Status AuditFile::Write(std::string_view line) {
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written < 0) return absl::ErrnoToStatus(errno, path_);
  if (static_cast<std::size_t>(written) < line.size()) {
    return absl::ResourceExhaustedError(path_ + ": a line was cut short");
  }
  return absl::OkStatus();
}

}  // namespace signup
