// Servers and clients whose connections are events.
//
//   belfry::ConnectionEvents connections(loop, dispatcher);
//   auto echo = dispatcher.Subscribe(
//       [&](const belfry::DataReceived& e) { connections.Write(e.connection, e.data); },
//       {.run = belfry::Run::kInline});
//   auto endpoint = connections.Listen(*belfry::Endpoint::Parse("127.0.0.1:0"));
//   if (!endpoint.ok()) return Fail(endpoint.status());
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "belfry/connections.h"
#include "belfry/dispatcher.h"
#include "belfry/endpoint.h"
#include "belfry/event_loop.h"
#include "belfry/export.h"

namespace belfry {

struct ListenOptions {
  int backlog = 1024;
  // At most; accepting pauses there. One whose events are not all accepted counts, closed or not.
  std::size_t connections_max = 10000;
  bool share_port = false;  // see ServerOptions
};

// A peer that ends its sending way is sent what was written until then, and closed. A peer that
// resets the connection while reading is paused ends it at once; what it had sent before is lost.
// Without a free descriptor a connection that comes is turned away, then accepting rests for 50 ms.
//
// Thread safety: creation, destruction, Listen and Connect in the loop's thread, the second also
// from inside its own events; the rest from any thread.
// Lifetime: the destructor aborts every connection (kShutdown); a ConnectionClosed that the
// dispatcher refuses then is not published. At the dispatcher's shutdown it stops accepting and
// closes as Close does.
class BELFRY_EXPORT ConnectionEvents final : public Connections {
 public:
  // An option that makes no sense is a bug (aborts).
  ConnectionEvents(EventLoop& loop, Dispatcher& dispatcher, ConnectionOptions options = {});
  ~ConnectionEvents() override;

  // Where it listens: with the port that it got. May be called for several endpoints.
  // Errors: see Server::Listen.
  absl::StatusOr<Endpoint> Listen(const Endpoint& endpoint, ListenOptions options = {});
  // Errors: see Connector::Connect; nothing is published then.
  absl::StatusOr<ConnectionId> Connect(const Endpoint& endpoint);

  std::uint64_t id() const;         // ConnectionId::server of its connections
  std::size_t connections() const;  // that are open, or on their way
  // Closes the listening sockets. Connections that are open stay so.
  void StopAccepting();

  void Write(ConnectionId connection, std::string_view data) override;
  void Flush(ConnectionId connection) override;
  void Close(ConnectionId connection) override;
  void EndWriting(ConnectionId connection) override;
  void Abort(ConnectionId connection) override;
  void PauseReading(ConnectionId connection) override;
  void ResumeReading(ConnectionId connection) override;
  void Defer(ConnectionId connection, std::function<void()> work) override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with itself: it may go inside one of its own events
};

}  // namespace belfry
