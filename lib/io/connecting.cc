#include "io/connecting.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "io/listen_socket.h"
#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {

namespace {

absl::Status CannotConnect(int error, const std::string& name) {
  absl::Status status = sys::ErrorStatus(error, "connect to", name);
  if (error != EADDRNOTAVAIL) return status;
  return absl::ResourceExhaustedError(status.message());  // here it means: no port is left
}

}  // namespace

absl::StatusOr<ConnectionId> OpenConnection(StreamGroup& group, const Endpoint& endpoint,
                                            HeldListener listener) {
  if (group.ended()) return absl::FailedPreconditionError("whoever connects has ended");
  const std::string name = endpoint.text();
  sys::UniqueFd fd(sys::Socket(AddressOf(endpoint)->sa_family, SOCK_STREAM, 0));
  if (!fd) return sys::ErrorStatus(errno, "socket for", name);
  if (!endpoint.is_unix()) sys::Setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  // Interrupted, it goes on without us.
  if (sys::Connect(fd.get(), AddressOf(endpoint), SizeOf(endpoint)) != 0 && errno != EINPROGRESS &&
      errno != EINTR) {
    return CannotConnect(errno, name);
  }
  try {
    return group.AddConnecting(std::move(fd), std::move(listener)).id();
  } catch (const std::system_error& error) {
    return sys::ErrorStatus(error.code().value(), "watch the connection to", name);
  }
}

absl::StatusOr<ConnectionId> AdoptDescriptor(StreamGroup& group, int fd, HeldListener listener) {
  sys::UniqueFd owned(fd);
  if (group.ended()) return absl::FailedPreconditionError("whoever connects has ended");
  const std::string name = std::to_string(fd);
  const bool is_socket = sys::IsSocket(fd);
  const int access = is_socket ? O_RDWR : sys::AccessMode(fd);
  if (access < 0 || sys::SetNonblocking(fd) != 0) {
    return sys::ErrorStatus(errno, "adopt descriptor", name);
  }
  try {
    Stream& stream = group.AddOpen(std::move(owned), std::move(listener));
    if (!is_socket) stream.UseAsFile(access != O_WRONLY, access != O_RDONLY);
    stream.OpenLater();
    return stream.id();
  } catch (const std::system_error& error) {
    return sys::ErrorStatus(error.code().value(), "watch descriptor", name);
  }
}

}  // namespace belfry
