// A server over TCP or a Unix socket, by listeners of its connections.
//
//   Echo echo;
//   auto server = belfry::Server::Listen(loop, *belfry::Endpoint::Parse("127.0.0.1:0"), echo);
//   if (!server.ok()) return Fail(server.status());
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

class ServerCore;

struct ServerOptions {
  int backlog = 1024;
  std::size_t connections_max = 10000;  // at most; accepting pauses there
  // Several servers, each on a loop of its own, share the port; the system spreads what comes.
  bool share_port = false;
  // Told on the loop's thread that accepting rests for 50 ms at a time, and why: EMFILE, ENFILE
  // (one that came was turned away), ENOMEM, ... Once, until something has been accepted again.
  std::function<void(int error)> accept_failed{};
  ConnectionOptions connections{};
};

// Gives a new connection its listener, which lives as long as the connection; null turns it away.
using MakeConnectionListener = std::function<std::unique_ptr<ConnectionListener>()>;

// Thread safety: the loop's thread; Defer and connections() from any.
// Lifetime: the destructor aborts every connection (kShutdown), also from inside their listeners;
// their OnClosed is called before it returns, or, from inside a turn of the loop, at its end. A
// Unix socket's file goes with it, if it is its own still. A file that a dead server left is
// replaced; of two servers that find one at the same moment both may, and the later one has it.
// Errors: what an OnClosed throws in the destructor, outside of a turn, ends the program.
// Blocking: nothing here waits.
class BELFRY_EXPORT Server {
 public:
  // `listener` outlives the server, and the turn of the loop in which that ends.
  // Errors: INVALID_ARGUMENT (an option), or as the system says (ALREADY_EXISTS for EADDRINUSE,
  // PERMISSION_DENIED, ...), naming the endpoint.
  static absl::StatusOr<std::unique_ptr<Server>> Listen(EventLoop& loop, const Endpoint& endpoint,
                                                        ConnectionListener& listener,
                                                        ServerOptions options = {});
  static absl::StatusOr<std::unique_ptr<Server>> Listen(EventLoop& loop, const Endpoint& endpoint,
                                                        MakeConnectionListener make,
                                                        ServerOptions options = {});
  virtual ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  virtual const Endpoint& endpoint() const;  // with the port that it got
  virtual std::size_t connections() const;   // that are open

  // Calls `visit` for each that is open, but for those that come meanwhile.
  virtual void ForEach(const std::function<void(Connection&)>& visit);
  // Closes the listening socket. Connections that are open stay so.
  virtual void StopAccepting();
  // The same, and closes every connection as Close does, with kShutdown.
  virtual void CloseAll();

  // Calls `work` on the loop's thread, on a later turn, never at the same time as the connection's
  // listener, if the connection is there then.
  virtual void Defer(ConnectionId connection, std::function<void(Connection&)> work);

 protected:
  Server() = default;  // of a test: all that is virtual is its own

 private:
  explicit Server(std::shared_ptr<ServerCore> core);
  std::shared_ptr<ServerCore> core_;  // shared with the turn in which it goes
};

}  // namespace belfry
