// One connection as a program sees it on its loop's thread, and who listens to it.
//
//   class Echo final : public belfry::ConnectionListener {
//     void OnData(belfry::Connection& connection, std::string_view data) override {
//       connection.Write(data);
//     }
//   };
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/event_loop.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

// Names one connection of this process; never used again.
struct ConnectionId {
  std::uint64_t server = 0;  // whose it is: a Server, a Connector, a ConnectionEvents
  std::uint64_t number = 0;  // 0: none
  friend auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
};

struct ConnectionClosed {
  enum class Why : std::uint8_t {
    kPeer,      // the peer ended it in an orderly way
    kLocal,     // Close or Abort was called
    kError,     // `error` says which
    kNotRead,   // the peer did not read what was written to it: ConnectionOptions
    kTimedOut,  // idle_timeout, read_timeout, connect_timeout, or its deadline
    kShutdown,  // its server went away
  };
  ConnectionId connection{};
  Why why = Why::kPeer;
  int error = 0;  // errno
};
BELFRY_EVENT_NAME(ConnectionClosed, "belfry.connection_closed", 1);

struct ConnectionOptions {
  std::size_t read_bytes_max = 65536;  // in one OnData
  // What is written and not sent yet. A Write that finds more than write_buffer_max ends the
  // connection with kNotRead, so a single Write may be larger. Above write_buffer_high the
  // connection is not writable, and one that a server accepted is not read, until no more than
  // write_buffer_low is left; neither is more than the one before it.
  std::size_t write_buffer_max = std::size_t{4} << 20;
  std::size_t write_buffer_high = std::size_t{1} << 20;
  std::size_t write_buffer_low = std::size_t{256} << 10;
  std::size_t write_buffers_max = std::size_t{1} << 30;  // all connections together
  // The connection ends when for so long nothing came and nothing was sent; nothing came though it
  // was read; the peer took nothing of what is not sent yet (kNotRead); it did not answer. The
  // first and the third also while it is closing. Zero: no such limit. At most 30 days; in
  // milliseconds, rounded up.
  Nanoseconds idle_timeout{};
  Nanoseconds read_timeout{};
  Nanoseconds write_timeout = std::chrono::seconds(30);
  Nanoseconds connect_timeout = std::chrono::seconds(30);
};

// A stream of bytes to a peer, and one from it. The library's; tests bring their own.
//
// Thread safety: the loop's thread.
// Order: what is written leaves in order. What one turn of the loop writes is sent at its end, or
// as soon as what the connection's listener was told is dealt with, by one system call where it
// can.
// Lifetime: until its listener's OnClosed returned; keep its id, not its address, for longer.
// Blocking: nothing here waits. Once it is closing, writes are ignored.
class BELFRY_EXPORT Connection {
 public:
  virtual void Write(std::string_view data) = 0;
  // Sends what was written, now, as far as the system takes it.
  virtual void Flush() = 0;
  // Closes when all that was written has been sent; nothing more is read. The peer is told the end
  // and has a second to end its own way, so that what was sent reaches it.
  virtual void Close() = 0;
  // Tells the peer the end when all has been sent, and reads on.
  virtual void EndWriting() = 0;
  // Closes now; what was not sent yet is lost.
  virtual void Abort() = 0;
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;
  // It is closed, with kTimedOut, unless this is called again within `in`; none: no such limit.
  virtual void SetDeadline(std::optional<Nanoseconds> in) = 0;
  // Calls `work` on a later turn if the connection is still there: see Server::Defer.
  virtual void Defer(std::function<void(Connection&)> work) = 0;

  virtual ConnectionId id() const = 0;
  virtual std::size_t unsent() const = 0;  // bytes
  virtual bool writable() const = 0;       // see write_buffer_high
  // "127.0.0.1:40112", "unix:"; "" once it is closed. Asks the system.
  virtual std::string peer() const = 0;

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 protected:
  Connection() = default;
  ~Connection() = default;
};

// Is told what happens to a connection: OnOpened, then any number of the others, OnClosed last; one
// at a time, never from inside the connection's own methods. Each may do anything to any
// connection, and to their server. What it throws passes through EventLoop::Run, and the connection
// stays as it is.
//
// Thread safety: called on the loop's thread. Lifetime: see Server::Listen.
class BELFRY_EXPORT ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;

  virtual void OnOpened(Connection& /*connection*/) {}
  // `data` is never empty, and gone when this returns.
  virtual void OnData(Connection& connection, std::string_view data) = 0;
  // The peer sends no more; it may still read.
  virtual void OnEnd(Connection& connection) { connection.Close(); }
  // It is writable again, after it was not.
  virtual void OnWritable(Connection& /*connection*/) {}
  // Also of one that could not connect, or was given up before: without OnOpened.
  virtual void OnClosed(Connection& /*connection*/, const ConnectionClosed& /*closed*/) {}
};

}  // namespace belfry
