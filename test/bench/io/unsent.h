// Writing to a descriptor by hand, as who uses epoll, libev or libevent's events does it.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace bench {

// What a socket did not take at once. Errors are left to the next read, which finds them as well.
class Unsent {
 public:
  bool empty() const { return rest_ == nullptr; }

  // One write, and what it leaves is kept.
  void Write(int fd, std::string_view data) {
    if (rest_ != nullptr) {
      rest_->append(data);
      return;
    }
    const ssize_t sent = ::write(fd, data.data(), data.size());
    if (sent == static_cast<ssize_t>(data.size())) return;
    rest_ = std::make_unique<std::string>(data.substr(Taken(sent)));
  }

  // The socket is writable again.
  void Flush(int fd) {
    if (rest_ == nullptr) return;
    const std::unique_ptr<std::string> data = std::move(rest_);
    Write(fd, *data);
  }

 private:
  static std::size_t Taken(ssize_t sent) { return sent < 0 ? 0 : static_cast<std::size_t>(sent); }

  std::unique_ptr<std::string> rest_;
};

}  // namespace bench
