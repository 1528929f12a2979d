// Connections as events, and what a program does to them.
//
//   auto echo = dispatcher.Subscribe([&connections](const belfry::DataReceived& e) {
//     connections.Write(e.connection, e.data);
//   });
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

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

// The connections of a server as listeners see them; tests bring their own.
//
// For each connection, in this order: one ConnectionOpened, any number of DataReceived, one
// ConnectionClosed. Each starts a story of its own; the latter two are linked to the first. When
// the dispatcher refuses one because a queue is full, the connection is not read until it was
// accepted.
//
// Thread safety: any thread (from others than the loop's it takes effect a little later). To a
// connection that is gone nothing happens.
// Order: writes of one thread to one connection leave in order. Methods may be called from inside
// the connections' own events.
class BELFRY_EXPORT Connections {
 public:
  Connections() = default;
  virtual ~Connections() = default;
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Sends `data`; what the socket does not take at once is kept and sent when it does.
  virtual void Write(ConnectionId connection, std::string data) = 0;
  // Closes when all that was written has been sent; nothing more is read. The peer is told the end
  // and has a second to end its own way, so that what was sent reaches it; a peer that takes
  // nothing for 30 s is cut off (kNotRead).
  virtual void Close(ConnectionId connection) = 0;
  // Closes now; what was not sent yet is lost.
  virtual void Abort(ConnectionId connection) = 0;
  virtual void PauseReading(ConnectionId connection) = 0;
  virtual void ResumeReading(ConnectionId connection) = 0;
};

}  // namespace belfry
