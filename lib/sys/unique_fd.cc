#include "sys/unique_fd.h"

#include <cerrno>

namespace belfry::sys {

void UniqueFd::Reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  const int error = errno;
  Close(old);  // not again after EINTR: Linux has closed it by then
  errno = error;
}

}  // namespace belfry::sys
