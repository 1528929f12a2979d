#include "io/listen_socket.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// Numeric only: asks no name server, so it does not block.
Addresses Parse(const std::string& address, const std::string& port) {
  if (address.empty() || address.find('\0') != std::string::npos) return nullptr;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), port.c_str(), &hints, &found) != 0) return nullptr;
  return Addresses(found);
}

std::uint16_t PortOf(const sockaddr_storage& address) {
  in_port_t port = 0;
  if (address.ss_family == AF_INET6) {
    port = reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
  } else {
    port = reinterpret_cast<const sockaddr_in&>(address).sin_port;
  }
  return ntohs(port);
}

}  // namespace

absl::StatusOr<ListenSocket> OpenListenSocket(const std::string& address, std::uint16_t port,
                                              int backlog) {
  const std::string port_text = std::to_string(port);
  const Addresses parsed = Parse(address, port_text);
  if (parsed == nullptr) {
    return absl::InvalidArgumentError("not a numeric IPv4 or IPv6 address: \"" + address + "\"");
  }
  const std::string name = address + "\" port \"" + port_text;

  ListenSocket socket;
  socket.fd = sys::UniqueFd(sys::Socket(parsed->ai_family, SOCK_STREAM, 0));
  if (!socket.fd) return sys::ErrorStatus(errno, "socket for", name);
  // Otherwise a restarted server would have to wait until the old one's connections are forgotten.
  if (sys::Setsockopt(socket.fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) != 0) {
    return sys::ErrorStatus(errno, "setsockopt for", name);
  }
  if (sys::Bind(socket.fd.get(), parsed->ai_addr, parsed->ai_addrlen) != 0) {
    return sys::ErrorStatus(errno, "bind to", name);
  }
  if (sys::Listen(socket.fd.get(), backlog) != 0) {
    return sys::ErrorStatus(errno, "listen on", name);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (sys::Getsockname(socket.fd.get(), bound, size) != 0) {
    return sys::ErrorStatus(errno, "getsockname of", name);
  }
  socket.port = PortOf(bound);
  return socket;
}

std::string AddressText(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "";
  }
  if (address.ss_family != AF_INET6) return std::string(host) + ":" + port;
  return std::string("[") + host + "]:" + port;
}

}  // namespace belfry
