// A client that sends exactly the bytes it is given. Every wait has a deadline that fails the test.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"

namespace belfry::http {

struct RawResponse {
  int status = 0;  // 0: there was none
  std::string head;
  std::string body;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        unread_(std::move(other.unread_)) {}
  ~RawClient() {
    if (fd_ >= 0) close(fd_);
  }

  bool connected() const { return connected_; }

  // False when the server has closed meanwhile.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!Ready(POLLOUT)) return false;
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // The next response; a body as Content-Length says.
  RawResponse Read(bool has_body = true) {
    RawResponse response;
    std::size_t end = 0;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive()) return response;
    }
    response.head = unread_.substr(0, end + 4);
    unread_.erase(0, end + 4);
    response.status = std::atoi(response.head.c_str() + std::strlen("HTTP/1.1 "));
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t length_at = response.head.find(kLength);
    if (!has_body || length_at == std::string::npos) return response;
    const auto length =
        static_cast<std::size_t>(std::atol(response.head.c_str() + length_at + kLength.size()));
    while (unread_.size() < length) {
      if (!Receive()) return response;
    }
    response.body = unread_.substr(0, length);
    unread_.erase(0, length);
    return response;
  }

  // Whether nothing more comes and the server has closed; then this end closes too.
  bool Closed() {
    if (!unread_.empty() || Receive()) return false;
    close(std::exchange(fd_, -1));
    return true;
  }

 private:
  // False at the end of the stream, or a reset.
  bool Receive() {
    char bytes[4096];
    for (;;) {
      if (!Ready(POLLIN)) return false;
      const ssize_t received = recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (received < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (received <= 0) return false;
      unread_.append(bytes, static_cast<std::size_t>(received));
      return true;
    }
  }

  bool Ready(short events) {
    pollfd poll_fd{.fd = fd_, .events = events, .revents = 0};
    int ready = 0;
    do {
      ready = poll(&poll_fd, 1, kDeadlineMs);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) ADD_FAILURE() << "the server did nothing for " << kDeadlineMs << " ms";
    return ready > 0;
  }

  static constexpr int kDeadlineMs = 20000;
  int fd_;
  bool connected_ = false;
  std::string unread_;
};

}  // namespace belfry::http
