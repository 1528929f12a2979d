// Connections that a program opens itself, by listeners of each.
//
//   belfry::Connector connector(loop);
//   auto connection = connector.Connect(*endpoint, std::make_unique<Greeter>(loop));
//   if (!connection.ok()) return Fail(connection.status());
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"

#include "belfry/connection.h"
#include "belfry/endpoint.h"
#include "belfry/event_loop.h"
#include "belfry/export.h"

namespace belfry {

class StreamGroup;

// Thread safety, lifetime, blocking: as of Server.
class BELFRY_EXPORT Connector {
 public:
  explicit Connector(EventLoop& loop, const ConnectionOptions& options = {});
  virtual ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // The listener hears of OnOpened, or of OnClosed alone when it could not connect: kError, or
  // kTimedOut after connect_timeout. What is written before is sent when it is open.
  // Errors: what fails at once, as the system says (RESOURCE_EXHAUSTED for EADDRNOTAVAIL: no port
  // is left), naming the endpoint; the listener hears nothing.
  virtual absl::StatusOr<ConnectionId> Connect(const Endpoint& endpoint,
                                               ConnectionListener& listener);
  virtual absl::StatusOr<ConnectionId> Connect(const Endpoint& endpoint,
                                               std::unique_ptr<ConnectionListener> listener);
  // A stream socket, or any other descriptor that can be polled, read and written (a pipe's end, a
  // terminal): the connection's from now on, and open. It is closed when that is refused, too.
  virtual absl::StatusOr<ConnectionId> Adopt(int fd, ConnectionListener& listener);
  virtual absl::StatusOr<ConnectionId> Adopt(int fd, std::unique_ptr<ConnectionListener> listener);

  virtual std::size_t connections() const;  // open, or on their way
  // Null: it is gone.
  virtual Connection* Find(ConnectionId connection);
  virtual void Defer(ConnectionId connection, std::function<void(Connection&)> work);

 protected:
  Connector() = default;  // of a test: all that is virtual is its own

 private:
  std::shared_ptr<StreamGroup> group_;
};

}  // namespace belfry
