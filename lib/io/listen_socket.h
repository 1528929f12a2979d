// Sockets that listen.
#pragma once

#include "absl/status/statusor.h"

#include "belfry/endpoint.h"
#include "io/socket_file.h"
#include "sys/unique_fd.h"

namespace belfry {

struct ListenSocket {
  sys::UniqueFd fd;
  Endpoint endpoint;  // with the port that it got
  SocketFile file;
};

// `share_port`: others may listen on it as well. A Unix socket's file that a dead server left is
// replaced.
// Errors: ALREADY_EXISTS (taken); as the system says, naming the endpoint.
absl::StatusOr<ListenSocket> OpenListenSocket(const Endpoint& endpoint, int backlog,
                                              bool share_port);

// What a socket's calls want of an endpoint.
const sockaddr* AddressOf(const Endpoint& endpoint);
socklen_t SizeOf(const Endpoint& endpoint);

// The other end's; "" when the system does not say.
std::string PeerText(int socket);

}  // namespace belfry
