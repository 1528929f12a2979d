// A client that knows nothing of Belfry.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "waiting.h"

namespace belfry {

// A blocking socket on the loopback.
class Client {
 public:
  Client() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) { LimitWaiting(); }
  explicit Client(std::uint16_t port) : Client() { EXPECT_TRUE(Connect(port)); }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client() { Close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& operator=(Client&&) = delete;

  // Of a socket that is connected already.
  static Client Of(int fd) {
    EXPECT_GE(fd, 0);
    Client client;
    client.Close();
    client.fd_ = fd;
    client.LimitWaiting();
    return client;
  }

  bool Connect(std::uint16_t port) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }

  void LimitReceiveBuffer(int bytes) const {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }

  bool Send(const std::string& data) const {
    std::size_t sent = 0;
    while (sent < data.size()) {
      const ssize_t n = ::send(fd_, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
      if (n < 0) return false;
      sent += static_cast<std::size_t>(n);
    }
    return true;
  }

  // At most `size` bytes, "" at the end, "!" after an error.
  std::string ReceiveSome(std::size_t size = 65536) const {
    std::string data(size, '\0');
    const ssize_t n = ::recv(fd_, data.data(), size, 0);
    if (n < 0) return "!";
    data.resize(static_cast<std::size_t>(n));
    return data;
  }

  // Exactly `size` bytes; less if the connection ends before.
  std::string Receive(std::size_t size) const {
    std::string data;
    while (data.size() < size) {
      const std::string some = ReceiveSome(size - data.size());
      if (some.empty() || some == "!") break;
      data += some;
    }
    return data;
  }

  // All until the end; "!" at its end says that it was not an orderly one.
  std::string ReceiveAll() const {
    std::string data;
    for (;;) {
      const std::string some = ReceiveSome();
      data += some;
      if (some.empty() || some == "!") return data;
    }
  }

  std::string Echo(const std::string& data) const {
    return Send(data) ? Receive(data.size()) : "not sent";
  }

  void EndSending() const { ::shutdown(fd_, SHUT_WR); }
  void Reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    Close();
  }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int fd() const { return fd_; }

 private:
  void LimitWaiting() const {
    const timeval limit{.tv_sec = kPatience.count(), .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  }

  int fd_ = -1;
};

// No two bytes of a megabyte apart are alike by accident.
inline std::string Pattern(std::size_t size) {
  std::string data(size, '\0');
  std::uint32_t state = 12345;
  for (char& c : data) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return data;
}

}  // namespace belfry
