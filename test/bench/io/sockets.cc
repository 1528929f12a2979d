#include "bench/io/sockets.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "bench/io/fail.h"

namespace bench {
namespace {

sockaddr_in Loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
  return address;
}

}  // namespace

std::array<char, kMessage> MessageOf(std::uint64_t client, std::uint64_t number) {
  std::array<std::uint64_t, kMessage / sizeof(std::uint64_t)> words;
  std::uint64_t word = (client << 40) ^ number;
  for (std::uint64_t& each : words) {
    each = word;
    word = (word + 1) * 0x9e3779b97f4a7c15U;
  }
  std::array<char, kMessage> message;
  // Its first 4 bytes say how many follow, whether a server looks at them or not; number and client
  // come second.
  const std::uint32_t length = kMessage - sizeof length;
  std::memcpy(message.data(), words.data(), kMessage);
  std::memcpy(message.data(), &length, sizeof length);
  return message;
}

int Connect(std::uint16_t port, std::uint64_t source) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Fail("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const sockaddr_in from = Loopback(static_cast<std::uint32_t>(source % 250), 0);
  const sockaddr_in to = Loopback(0, port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) Fail("bind");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) Fail("connect");
  if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) Fail("fcntl");
  return fd;
}

void SendAll(int fd, std::span<const char> data) {
  const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
  if (sent < 0) Fail("send");
  if (static_cast<std::size_t>(sent) != data.size())
    FailWith("a socket took less than it was given");
}

}  // namespace bench
