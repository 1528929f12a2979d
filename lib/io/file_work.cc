#include "io/file_work.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "sys/errors.h"
#include "sys/sys.h"
#include "sys/unique_fd.h"

namespace belfry {
namespace {

constexpr std::size_t kReadAhead = 64 << 10;  // asked for when the size is not known

absl::Status CheckPath(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("an empty path");
  if (path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a path with a NUL byte: \"" +
                                      path.substr(0, path.find('\0')) + "...\"");
  }
  return absl::OkStatus();
}

sys::UniqueFd OpenFile(const std::string& path, int flags, unsigned mode = 0) {
  // Without O_NONBLOCK the opening of a FIFO could block for ever. It changes nothing for a file.
  flags |= O_NONBLOCK | O_NOCTTY;
  int fd = -1;
  do {
    fd = sys::Open(path.c_str(), flags, static_cast<mode_t>(mode));
  } while (fd < 0 && errno == EINTR);
  return sys::UniqueFd(fd);
}

// OK for a regular file; then `size` is what it has now.
absl::Status CheckRegular(const sys::UniqueFd& file, const std::string& path, std::size_t& size) {
  struct stat info {};
  if (sys::Fstat(file.get(), info) != 0) return sys::ErrorStatus(errno, "stat", path);
  if (S_ISDIR(info.st_mode)) return sys::ErrorStatus(EISDIR, "read or write", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError("\"" + path + "\" is not a regular file");
  }
  size = static_cast<std::size_t>(info.st_size);
  return absl::OkStatus();
}

absl::Status TooLarge(const std::string& path, std::size_t bytes_max) {
  return absl::OutOfRangeError("\"" + path +
                               "\" is larger than read_bytes_max = " + std::to_string(bytes_max));
}

absl::Status WriteAll(const sys::UniqueFd& file, const std::string& path,
                      std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = sys::Write(file.get(), content.data(), content.size());
    if (written > 0) {
      content.remove_prefix(static_cast<std::size_t>(written));
    } else if (written == 0 || errno != EINTR) {
      return sys::ErrorStatus(written == 0 ? EIO : errno, "write", path);
    }
  }
  return absl::OkStatus();
}

// Not tried again after an error: the system may have forgotten what it failed to write.
absl::Status Synchronise(const sys::UniqueFd& file, const std::string& path) {
  int result = 0;
  do {
    result = sys::Fsync(file.get());
  } while (result != 0 && errno == EINTR);
  return result == 0 ? absl::OkStatus() : sys::ErrorStatus(errno, "fsync", path);
}

// A new name in a directory survives a power cut when the directory was synchronised.
absl::Status SynchroniseDirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  const sys::UniqueFd opened = OpenFile(directory, O_RDONLY | O_DIRECTORY);
  if (!opened) return sys::ErrorStatus(errno, "open", directory);
  return Synchronise(opened, directory);
}

// Some file systems report a failed write only when the file is closed.
absl::Status CloseFile(sys::UniqueFd file, const std::string& path) {
  if (sys::Close(file.Release()) == 0 || errno == EINTR) return absl::OkStatus();
  return sys::ErrorStatus(errno, "close", path);
}

absl::Status Fill(sys::UniqueFd file, const std::string& path, const std::string& content,
                  bool durable) {
  std::size_t size = 0;
  if (absl::Status status = CheckRegular(file, path, size); !status.ok()) return status;
  if (absl::Status status = WriteAll(file, path, content); !status.ok()) return status;
  if (durable) {
    if (absl::Status status = Synchronise(file, path); !status.ok()) return status;
  }
  return CloseFile(std::move(file), path);
}

}  // namespace

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, std::size_t bytes_max) {
  if (absl::Status status = CheckPath(path); !status.ok()) return status;
  const sys::UniqueFd file = OpenFile(path, O_RDONLY);
  if (!file) return sys::ErrorStatus(errno, "open", path);
  std::size_t size = 0;
  if (absl::Status status = CheckRegular(file, path, size); !status.ok()) return status;
  if (size > bytes_max) return TooLarge(path, bytes_max);

  // The size is a hint: the file may grow or shrink while it is read, and in /proc it is 0.
  std::string content;
  std::size_t filled = 0;
  for (;;) {
    if (filled == content.size()) {
      content.resize(filled == 0 && size > 0 ? size + 1 : filled + std::max(filled, kReadAhead));
    }
    const ssize_t got = sys::Read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys::ErrorStatus(errno, "read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > bytes_max) return TooLarge(path, bytes_max);
  }
  content.resize(filled);
  return content;
}

absl::Status WriteWholeFile(const std::string& path, const std::string& content,
                            const FileWriteOptions& options) {
  const bool through_temporary = !options.temporary.empty();
  const std::string& target = through_temporary ? options.temporary : path;
  for (const std::string& name : {path, target}) {
    if (absl::Status status = CheckPath(name); !status.ok()) return status;
  }
  sys::UniqueFd file = OpenFile(target, O_WRONLY | O_CREAT | O_TRUNC, options.mode);
  if (!file) return sys::ErrorStatus(errno, "open", target);
  absl::Status status = Fill(std::move(file), target, content, options.durable);
  if (through_temporary) {
    if (status.ok() && sys::Rename(target.c_str(), path.c_str()) != 0) {
      status = sys::ErrorStatus(errno, "rename", target + "\" to \"" + path);
    }
    if (!status.ok()) sys::Unlink(target.c_str());
  }
  if (status.ok() && options.durable) status = SynchroniseDirectoryOf(path);
  return status;
}

}  // namespace belfry
