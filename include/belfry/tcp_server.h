// A TCP server whose connections are events.
//
//   auto server = belfry::TcpServer::Listen(loop, dispatcher, {.address = "127.0.0.1"});
//   if (!server.ok()) return Fail(server.status());
//   auto echo = dispatcher.Subscribe(
//       [&](const belfry::DataReceived& e) { (*server)->Write(e.connection, e.data); },
//       {.run = belfry::Run::kInline});
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "belfry/connections.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/export.h"

namespace belfry {

struct TcpServerOptions {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  std::uint16_t port = 0;             // 0: the system picks one; see port()
  int backlog = 1024;
  std::size_t connections_max = 10000;  // at most; accepting pauses there
  // In one DataReceived. Stay below the QueueLimit::bytes_max of those who listen.
  std::size_t read_bytes_max = 65536;
  // Per connection: a Write that finds more than this still unsent ends it, with kNotRead. So a
  // single Write may be larger.
  std::size_t write_buffer_max = std::size_t{4} << 20;
};

// Connections over TCP. A peer that ends its sending way is sent what was written until then, and
// closed. A peer that resets the connection while reading is paused ends it at once; what it had
// sent before is lost. Without a free descriptor a connection that comes is turned away, then
// accepting rests for 50 ms.
//
// Thread safety: any thread; creation and destruction in the loop's thread, the latter also from
// inside the server's own events.
// Lifetime: the destructor aborts every connection; a ConnectionClosed that the dispatcher
// refuses then is not published. At the dispatcher's shutdown it stops accepting and closes as
// Close does.
class BELFRY_EXPORT TcpServer final : public Connections {
 public:
  // Errors: INVALID_ARGUMENT (the address), or as the system says (ALREADY_EXISTS for EADDRINUSE,
  // PERMISSION_DENIED, ...), naming address and port.
  static absl::StatusOr<std::unique_ptr<TcpServer>> Listen(EventLoop& loop, Dispatcher& dispatcher,
                                                           TcpServerOptions options);
  ~TcpServer() override;

  std::uint16_t port() const;
  std::uint64_t id() const;  // ConnectionId::server of its connections
  std::size_t connections() const;

  void Write(ConnectionId connection, std::string data) override;
  void Close(ConnectionId connection) override;
  void Abort(ConnectionId connection) override;
  void PauseReading(ConnectionId connection) override;
  void ResumeReading(ConnectionId connection) override;

  // Closes the listening socket. Connections that are open stay so.
  void StopAccepting();

 private:
  class Impl;
  explicit TcpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl>
      impl_;  // shared with itself: the server may go inside one of its own events
};

}  // namespace belfry
