// Connections as events, and what a program does to them.
//
//   auto echo = dispatcher.Subscribe([&connections](const belfry::DataReceived& e) {
//     connections.Write(e.connection, e.data);
//   });
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "belfry/connection.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

struct ConnectionOpened {
  ConnectionId connection{};
  std::string peer{};  // "127.0.0.1:40112", "[::1]:40112", "unix:"
};
BELFRY_EVENT_NAME(ConnectionOpened, "belfry.connection_opened", 1);

struct DataReceived {
  ConnectionId connection{};
  std::string data{};  // never empty
};
BELFRY_EVENT_NAME(DataReceived, "belfry.data_received", 1);
inline std::size_t BelfryEventBytes(const DataReceived& e) { return sizeof(e) + e.data.size(); }

// The peer took enough of what was written to it: see ConnectionOptions::write_buffer_high.
struct ConnectionWritable {
  ConnectionId connection{};
};
BELFRY_EVENT_NAME(ConnectionWritable, "belfry.connection_writable", 1);

// Accepting rests, for 50 ms at a time; published once, until something has been accepted again.
struct AcceptFailed {
  std::string endpoint{};
  int error = 0;  // errno: EMFILE, ENFILE, ENOMEM, ...
};
BELFRY_EVENT_NAME(AcceptFailed, "belfry.accept_failed", 1);

// Connections as listeners to their events see them; tests bring their own.
//
// For each connection, in this order: one ConnectionOpened (none when it could not connect), any
// number of DataReceived and ConnectionWritable, one ConnectionClosed. Each starts a story of its
// own; all but the first are linked to the first. When the dispatcher refuses one because a queue
// is full, the connection is not read until it was accepted.
//
// Thread safety: any thread (from others than the loop's it takes effect a little later). To a
// connection that is gone nothing happens.
// Order: what one thread does to one connection takes effect in order. Methods may be called from
// inside the connections' own events.
class BELFRY_EXPORT Connections {
 public:
  Connections() = default;
  virtual ~Connections() = default;
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Each as of Connection.
  virtual void Write(ConnectionId connection, std::string_view data) = 0;
  virtual void Flush(ConnectionId connection) = 0;
  virtual void Close(ConnectionId connection) = 0;
  virtual void EndWriting(ConnectionId connection) = 0;
  virtual void Abort(ConnectionId connection) = 0;
  virtual void PauseReading(ConnectionId connection) = 0;
  virtual void ResumeReading(ConnectionId connection) = 0;
  // Calls `work` on the loop's thread, later, never at the same time as another one's or as an
  // inline listener to the connection's events, if the connection is there then.
  virtual void Defer(ConnectionId connection, std::function<void()> work) = 0;
};

}  // namespace belfry
