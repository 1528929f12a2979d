// A TCP server whose connections are events.
//
//   auto server = belfry::TcpServer::Listen(loop, dispatcher, {.address = "127.0.0.1"});
//   if (!server.ok()) return Fail(server.status());
//   auto echo = dispatcher.Subscribe(
//       [&](const belfry::DataReceived& e) { (*server)->Write(e.connection, e.data); },
//       {.run = belfry::Run::kInline});
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

// Names one connection of one server of one dispatcher; never used again.
struct ConnectionId {
  std::uint64_t server = 0;
  std::uint64_t number = 0;  // 0: none
  friend auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
};

struct ConnectionOpened {
  ConnectionId connection{};
  std::string peer{};  // "127.0.0.1:40112", "[::1]:40112"
};
BELFRY_EVENT_NAME(ConnectionOpened, "belfry.connection_opened", 1);

struct DataReceived {
  ConnectionId connection{};
  std::string data{};  // never empty
};
BELFRY_EVENT_NAME(DataReceived, "belfry.data_received", 1);
inline std::size_t BelfryEventBytes(const DataReceived& e) { return sizeof(e) + e.data.size(); }

struct ConnectionClosed {
  enum class Why {
    kPeer,      // the peer ended it in an orderly way
    kLocal,     // Close was called
    kError,     // `error` says which
    kNotRead,   // the peer did not read what was written to it: write_buffer_max, Close
    kShutdown,  // the server went away
  };
  ConnectionId connection{};
  Why why = Why::kPeer;
  int error = 0;  // errno
};
BELFRY_EVENT_NAME(ConnectionClosed, "belfry.connection_closed", 1);

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

// For each connection, in this order: one ConnectionOpened, any number of DataReceived, one
// ConnectionClosed. Each starts a story of its own; the latter two are linked to the first. When
// the dispatcher refuses one because a queue is full, the connection is not read until it was
// accepted.
//
// A peer that ends its sending way is sent what was written until then, and closed. A peer that
// resets the connection while reading is paused ends it at once; what it had sent before is lost.
// Without a free descriptor a connection that comes is turned away, then accepting rests for 50 ms.
//
// Thread safety: Write, Close, PauseReading, ResumeReading, StopAccepting, connections and port
// from any thread (from others than the loop's they take effect a little later); creation and
// destruction in the loop's thread.
// Order: writes of one thread to one connection leave in order. Methods may be called from inside
// the server's own events, the destructor included.
// Lifetime: the destructor aborts every connection; a ConnectionClosed that the dispatcher
// refuses then is not published. At the dispatcher's shutdown it stops accepting and closes as
// Close does.
class BELFRY_EXPORT TcpServer {
 public:
  // Errors: INVALID_ARGUMENT (the address), or as the system says (ALREADY_EXISTS for EADDRINUSE,
  // PERMISSION_DENIED, ...), naming address and port.
  static absl::StatusOr<std::unique_ptr<TcpServer>> Listen(EventLoop& loop, Dispatcher& dispatcher,
                                                           TcpServerOptions options);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  std::uint16_t port() const;
  std::uint64_t id() const;  // ConnectionId::server of its connections
  std::size_t connections() const;

  // Sends `data`; what the socket does not take at once is kept and sent when it does. To a
  // connection that is gone: nothing happens.
  void Write(ConnectionId connection, std::string data);
  // Closes when all that was written has been sent; nothing more is read. The peer is told the end
  // and has a second to end its own way, so that what was sent reaches it; a peer that takes
  // nothing for 30 s is cut off (kNotRead).
  void Close(ConnectionId connection);
  // Closes now; what was not sent yet is lost.
  void Abort(ConnectionId connection);
  void PauseReading(ConnectionId connection);
  void ResumeReading(ConnectionId connection);

  // Closes the listening socket. Connections that are open stay so.
  void StopAccepting();

 private:
  class Impl;
  explicit TcpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl>
      impl_;  // shared with itself: the server may go inside one of its own events
};

}  // namespace belfry
