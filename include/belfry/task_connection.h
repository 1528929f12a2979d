// Connections as tasks see them: what comes is awaited, and read from top to bottom.
//
//   belfry::Task<> EchoLines(belfry::TaskConnection connection) {
//     for (;;) {
//       const absl::StatusOr<std::string> line = co_await connection.ReadLine();
//       if (!line.ok()) co_return;  // the peer's end, or an error
//       if (!(co_await connection.Write(*line + "\n")).ok()) co_return;
//     }
//   }
//
// Where each connection that comes is given to a task of its own:
//
//   const auto begin = [&](belfry::TaskConnection comer) {
//     tasks.Start(EchoLines(std::move(comer)));
//   };
//   auto server = belfry::Server::Listen(loop, *belfry::Endpoint::Parse("127.0.0.1:0"),
//                                        belfry::ToTasks(loop, begin));
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/connector.h"
#include "belfry/endpoint.h"
#include "belfry/event_loop.h"
#include "belfry/export.h"
#include "belfry/flow/task.h"
#include "belfry/server.h"

namespace belfry {

struct TaskConnectionOptions {
  // Of a line, without its end. What has come and nobody has read is kept; when that is more than a
  // line, the connection is not read until half of it has been taken.
  std::size_t line_bytes_max = 65536;
};

// The right to one connection, which is closed when this ends: after what was written, as by
// Connection::Close. Its tasks run on any executor; the loop runs meanwhile.
//
// Thread safety: any thread; one task reads at a time (aborts), another one may write.
// Lifetime: the loop outlives it. A task that is given up while it waits, as by a Timeout, has
// taken nothing: what comes is for the next one who reads.
// Blocking: nothing here waits but by co_await.
// Errors: of those who read, once all that had come was taken: OUT_OF_RANGE, the peer sends no
// more. DATA_LOSS, it ended within a line. RESOURCE_EXHAUSTED, a line is longer than
// line_bytes_max, or the peer does not read. DEADLINE_EXCEEDED, one of the time-outs of
// ConnectionOptions. CANCELLED, the server or connector went. Else as the system says.
class BELFRY_EXPORT TaskConnection {
 public:
  class Core;
  explicit TaskConnection(std::shared_ptr<Core> core) : core_(std::move(core)) {}  // the library's
  TaskConnection(TaskConnection&& other) noexcept = default;
  TaskConnection& operator=(TaskConnection&& other) noexcept;
  ~TaskConnection();

  // The next line, without its end, "\n" or "\r\n".
  Task<absl::StatusOr<std::string>> ReadLine();
  // What has come, one byte at least.
  Task<absl::StatusOr<std::string>> Read(std::size_t bytes_max = 65536);
  // Goes on at once, unless more than 64 KiB are still on their way to the loop, or the connection
  // is not writable (ConnectionOptions::write_buffer_high). What is written leaves in order, also
  // if nobody awaits it any more; a Write that nobody awaits at all does nothing.
  // Errors: why the connection has closed. OK does not say that the peer has it.
  Task<absl::Status> Write(std::string data);

  const std::string& peer() const;  // "127.0.0.1:40112", "unix:"

 private:
  std::shared_ptr<Core> core_;
};

// co_await: a connection that is open. `connector` is one of `loop`, and outlives the task.
// Errors: as Connector::Connect, or as above; DEADLINE_EXCEEDED after connect_timeout.
BELFRY_EXPORT Task<absl::StatusOr<TaskConnection>> Connect(EventLoop& loop, Connector& connector,
                                                           Endpoint endpoint,
                                                           TaskConnectionOptions options = {});

// For Server::Listen: each connection that comes is handed to `take`, on the loop's thread. `loop`
// is the server's. What `take` throws passes through EventLoop::Run.
BELFRY_EXPORT MakeConnectionListener ToTasks(EventLoop& loop,
                                             std::function<void(TaskConnection)> take,
                                             TaskConnectionOptions options = {});

}  // namespace belfry
