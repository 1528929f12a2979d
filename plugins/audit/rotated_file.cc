#include "rotated_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace audit {
namespace {

// Why the last system call has failed.
[[noreturn]] void Fail(const char* what, const std::string& path) {
  const int error = errno;
  throw std::system_error(error, std::generic_category(), what + (" " + path));
}

}  // namespace

RotatedFile::RotatedFile(RotatedFileOptions options) : options_(std::move(options)) {
  Open();
  found_torn_line_ = torn_;
  try {
    EndTornLine();
  } catch (...) {
    Close();
    throw;
  }
}

RotatedFile::~RotatedFile() { Close(); }

void RotatedFile::Append(std::string_view line) {
  if (fd_ < 0) Open();
  EndTornLine();
  if (regular_ && size_ > 0 && size_ + line.size() > options_.bytes_max) Rotate();
  Write(line);
}

void RotatedFile::Open() {
  const std::string& path = options_.path;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd < 0) Fail("cannot open", path);
  fd_ = fd;
  struct stat status {};
  char last = '\n';
  const bool read = ::fstat(fd, &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size == 0 ||
                                                  ::pread(fd, &last, 1, status.st_size - 1) == 1);
  if (!read) {
    Close();
    Fail("cannot read", path);
  }
  regular_ = S_ISREG(status.st_mode);
  size_ = regular_ ? static_cast<std::uint64_t>(status.st_size) : 0;
  torn_ = last != '\n';
}

void RotatedFile::Close() {
  const int error = errno;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  errno = error;
}

void RotatedFile::Rotate() {
  const unsigned oldest = options_.files_max - 1;
  for (unsigned age = oldest; age > 0; --age) {
    const std::string from = Name(age - 1);
    if (std::rename(from.c_str(), Name(age).c_str()) != 0 && errno != ENOENT) {
      Fail("cannot put aside", from);
    }
  }
  if (oldest == 0 && ::unlink(options_.path.c_str()) != 0) Fail("cannot remove", options_.path);
  Close();
  Open();
}

void RotatedFile::EndTornLine() {
  if (!torn_) return;
  Write("\n");
  torn_ = false;
}

void RotatedFile::Write(std::string_view text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t now = ::write(fd_, text.data() + written, text.size() - written);
    if (now >= 0) {
      written += static_cast<std::size_t>(now);
    } else if (errno != EINTR) {
      TakeBack(written);
      Fail("cannot write to", options_.path);
    }
  }
  size_ += written;
}

// The last so many bytes, after which the system has refused more.
void RotatedFile::TakeBack(std::size_t bytes) {
  if (bytes == 0) return;
  const int error = errno;
  const off_t end = ::lseek(fd_, 0, SEEK_CUR);
  const off_t begin = end - static_cast<off_t>(bytes);
  if (!regular_ || end < 0 || ::ftruncate(fd_, begin) != 0) {
    size_ += bytes;
    torn_ = true;
  }
  errno = error;
}

std::string RotatedFile::Name(unsigned age) const {
  return age == 0 ? options_.path : options_.path + "." + std::to_string(age);
}

}  // namespace audit
