#include "io/listen_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {
namespace {

Endpoint EndpointOf(const sockaddr_storage& address, socklen_t size) {
  return Endpoint({reinterpret_cast<const char*>(&address), size});
}

// A file that a dead server left: no socket is bound to it. One of another type asks, to which a
// live one says EPROTOTYPE, and of which it hears nothing, whether it listens already or not.
bool IsDeserted(const Endpoint& endpoint) {
  struct stat file {};
  const std::string path(endpoint.path());
  if (path.empty() || sys::Stat(path.c_str(), file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const sys::UniqueFd probe(sys::Socket(AF_UNIX, SOCK_DGRAM, 0));
  return probe && sys::Connect(probe.get(), AddressOf(endpoint), SizeOf(endpoint)) != 0 &&
         errno == ECONNREFUSED;
}

int Bind(int fd, const Endpoint& endpoint) {
  const int result = sys::Bind(fd, AddressOf(endpoint), SizeOf(endpoint));
  if (result == 0 || errno != EADDRINUSE) return result;
  if (IsDeserted(endpoint)) {
    sys::Unlink(std::string(endpoint.path()).c_str());
    return sys::Bind(fd, AddressOf(endpoint), SizeOf(endpoint));
  }
  errno = EADDRINUSE;
  return result;
}

}  // namespace

const sockaddr* AddressOf(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr*>(endpoint.sockaddr_bytes().data());
}
socklen_t SizeOf(const Endpoint& endpoint) {
  return static_cast<socklen_t>(endpoint.sockaddr_bytes().size());
}

absl::StatusOr<ListenSocket> OpenListenSocket(const Endpoint& endpoint, int backlog,
                                              bool share_port) {
  const std::string name = endpoint.text();
  const auto failed = [&](std::string_view what) { return sys::ErrorStatus(errno, what, name); };
  sys::UniqueFd fd(sys::Socket(AddressOf(endpoint)->sa_family, SOCK_STREAM, 0));
  if (!fd) return failed("socket for");
  if (!endpoint.is_unix()) {
    // Otherwise a restarted server would have to wait until the old one's connections are
    // forgotten.
    if (sys::Setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) != 0) {
      return failed("setsockopt for");
    }
    if (share_port && sys::Setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1) != 0) {
      return failed("share the port of");
    }
    // Answers leave at once; accepted sockets take it over. Failing, it is only slower.
    sys::Setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  }
  if (Bind(fd.get(), endpoint) != 0) return failed("bind to");
  SocketFile file{std::string(endpoint.path())};
  if (sys::Listen(fd.get(), backlog) != 0) return failed("listen on");
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (sys::Getsockname(fd.get(), bound, size) != 0) return failed("getsockname of");
  return ListenSocket{std::move(fd), EndpointOf(bound, size), std::move(file)};
}

std::string PeerText(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (socket < 0 || sys::Getpeername(socket, address, size) != 0) return "";
  return EndpointOf(address, size).text();
}

}  // namespace belfry
