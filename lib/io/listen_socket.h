// Sockets that listen, and how addresses are spelled.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

#include "sys/unique_fd.h"

namespace belfry {

struct ListenSocket {
  sys::UniqueFd fd;
  std::uint16_t port = 0;  // the one it got
};

// A TCP socket that listens on a numeric address, IPv4 or IPv6; port 0: the system picks one.
// Errors: INVALID_ARGUMENT (the address); ALREADY_EXISTS (the port is taken); as the system says.
absl::StatusOr<ListenSocket> OpenListenSocket(const std::string& address, std::uint16_t port,
                                              int backlog);

// "127.0.0.1:40112", "[::1]:40112".
std::string AddressText(const sockaddr_storage& address, socklen_t size);

}  // namespace belfry
