// What a task and a loop share of one connection.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/completion.h"
#include "belfry/connection.h"
#include "belfry/task_connection.h"
#include "sync/sync.h"
#include "task_io/unread.h"

namespace belfry {

// Data go from the loop to the task under the mutex; all that is done to the connection is posted
// to the loop.
class TaskConnection::Core : public std::enable_shared_from_this<Core> {
 public:
  using Signal = Completion<std::monostate>;
  enum class What { kLine, kSome };

  Core(EventLoop& loop, std::string peer, TaskConnectionOptions options);

  // --- A task's, on any thread ---
  // What was taken; or it has not come, and may have once the signal is finished.
  std::variant<absl::StatusOr<std::string>, Signal> Take(What what, std::size_t bytes_max);
  void Write(std::string_view data);
  // Whether the connection still is; or more waits to be sent than should.
  std::variant<absl::Status, Signal> Written();
  absl::Status closed();  // OK: not yet
  void Close();

  // --- The loop's thread ---
  void OnItsWay(Connection* connection);
  void Opened(Connection& connection);
  void Received(Connection& connection, std::string_view data);
  void PeerEnded();
  void SetWritable(bool writable);
  void Closed(const ConnectionClosed& closed);
  void Failed(const absl::Status& why);

  const Signal& opened() const { return opened_; }  // finished when it is open, or could not be
  bool open() const { return open_; }               // once that is finished; so is the next
  const std::string& peer() const { return peer_; }

 private:
  std::optional<absl::StatusOr<std::string>> TakeNow(What what, std::size_t bytes_max)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool full() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return unread_.size() > options_.line_bytes_max + 1;
  }
  void EndReading(const absl::Status& why);
  void Send();
  absl::Status StatusOf(const ConnectionClosed& closed) const;

  EventLoop& loop_;
  const TaskConnectionOptions options_;

  sync::Mutex mutex_;
  Unread unread_ ABSL_GUARDED_BY(mutex_);
  absl::Status end_ ABSL_GUARDED_BY(mutex_);              // OK: more may come
  std::optional<Signal> reader_ ABSL_GUARDED_BY(mutex_);  // who waits for more
  What reader_wants_ ABSL_GUARDED_BY(mutex_) = What::kSome;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);   // OK: not yet
  std::string unsent_ ABSL_GUARDED_BY(mutex_);    // on its way to the loop
  bool writable_ ABSL_GUARDED_BY(mutex_) = true;  // as the connection was when it was last asked
  std::vector<Signal> writers_ ABSL_GUARDED_BY(mutex_);  // who wait for that

  // The loop's; the first two are written before opened_ is finished, and never after.
  std::string peer_;
  bool open_ = false;
  Connection* connection_ = nullptr;  // null: not yet, or no more
  std::string sending_;               // takes turns with unsent_, so that both keep their memory
  const Signal opened_;
};

}  // namespace belfry
