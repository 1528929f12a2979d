#include "task_io/task_connection_core.h"

#include <algorithm>
#include <utility>

#include "belfry/check.h"
#include "sys/errors.h"

namespace belfry {
namespace {

// So much may be on its way to the loop before a writer waits for it.
constexpr std::size_t kUnsentMax = 65536;

// What one thread keeps and another is told. absl counts who share a status inside of its library,
// where no sanitizer of threads sees it; so none is shared.
absl::Status Unshared(const absl::Status& status) {
  return absl::Status(status.code(), status.message());
}

}  // namespace

TaskConnection::Core::Core(EventLoop& loop, std::string peer, TaskConnectionOptions options)
    : loop_(loop), options_(options), peer_(std::move(peer)) {}

// --- A task's, on any thread ---

std::variant<absl::StatusOr<std::string>, TaskConnection::Core::Signal> TaskConnection::Core::Take(
    What what, std::size_t bytes_max) {
  std::variant<absl::StatusOr<std::string>, Signal> result(std::in_place_index<1>);
  bool resumes = false;
  {
    const sync::Lock lock(mutex_);
    // One who was given up has no handle any more.
    BELFRY_CHECK(!reader_.has_value() || !reader_->wanted(), "two tasks read one connection");
    reader_.reset();
    if (auto taken = TakeNow(what, bytes_max)) {
      result = *std::move(taken);
    } else {
      reader_ = std::get<Signal>(result);
      reader_wants_ = what;
    }
    const bool little = unread_.size() <= options_.line_bytes_max / 2;
    resumes = paused_ && (little || reader_.has_value());
    if (resumes) paused_ = false;
  }
  if (resumes) {
    loop_.Post([self = shared_from_this()] {
      if (self->connection_ != nullptr) self->connection_->ResumeReading();
    });
  }
  return result;
}

std::optional<absl::StatusOr<std::string>> TaskConnection::Core::TakeNow(What what,
                                                                         std::size_t bytes_max) {
  if (what == What::kSome) {
    if (unread_.size() > 0) return unread_.TakeSome(std::max<std::size_t>(bytes_max, 1));
    if (!end_.ok()) return Unshared(end_);
    return std::nullopt;
  }
  if (unread_.LineIsLonger(options_.line_bytes_max)) {
    return absl::ResourceExhaustedError("a line is longer than line_bytes_max = " +
                                        std::to_string(options_.line_bytes_max));
  }
  if (std::optional<std::string> line = unread_.TakeLine()) return *std::move(line);
  if (end_.ok()) return std::nullopt;
  if (unread_.size() > 0 && absl::IsOutOfRange(end_)) {
    return absl::DataLossError("the peer ended within a line");
  }
  return Unshared(end_);
}

void TaskConnection::Core::Write(std::string_view data) {
  bool first = false;
  {
    const sync::Lock lock(mutex_);
    if (!closed_.ok() || data.empty()) return;
    first = unsent_.empty();
    unsent_.append(data);
  }
  if (first) loop_.Post([self = shared_from_this()] { self->Send(); });
}

std::variant<absl::Status, TaskConnection::Core::Signal> TaskConnection::Core::Written() {
  const sync::Lock lock(mutex_);
  if (!closed_.ok()) return Unshared(closed_);
  if (writable_ && unsent_.size() <= kUnsentMax) return absl::OkStatus();
  std::erase_if(writers_, [](const Signal& writer) { return !writer.wanted(); });  // given up
  return writers_.emplace_back();
}

absl::Status TaskConnection::Core::closed() {
  const sync::Lock lock(mutex_);
  return Unshared(closed_);
}

void TaskConnection::Core::Close() {
  std::optional<Signal> told;
  {
    const sync::Lock lock(mutex_);
    end_ = absl::CancelledError("the connection was closed here");
    unread_.Clear();
    told = std::exchange(reader_, std::nullopt);
  }
  if (told.has_value()) told->Finish({});
  loop_.Post([self = shared_from_this()] {
    if (self->connection_ == nullptr) return;
    if (self->open_) {
      self->connection_->Close();
    } else {
      self->connection_->Abort();
    }
  });
}

// --- The loop's thread ---

void TaskConnection::Core::OnItsWay(Connection* connection) { connection_ = connection; }

void TaskConnection::Core::Opened(Connection& connection) {
  connection_ = &connection;
  open_ = true;
  peer_ = connection.peer();
  opened_.Finish({});
}

void TaskConnection::Core::Received(Connection& connection, std::string_view data) {
  std::optional<Signal> told;
  bool pauses = false;
  {
    const sync::Lock lock(mutex_);
    if (!end_.ok()) return;
    unread_.Add(data);
    pauses = full() && !paused_;
    if (pauses) paused_ = true;
    const bool enough =
        reader_wants_ == What::kSome || full() || data.find('\n') != std::string_view::npos;
    if (enough) told = std::exchange(reader_, std::nullopt);
  }
  if (pauses) connection.PauseReading();
  if (told.has_value()) told->Finish({});
}

void TaskConnection::Core::PeerEnded() {
  EndReading(absl::OutOfRangeError("the peer sends no more"));
}

void TaskConnection::Core::Send() {
  {
    const sync::Lock lock(mutex_);
    sending_.swap(unsent_);
  }
  if (connection_ != nullptr) {
    connection_->Write(sending_);
    SetWritable(connection_->writable());
  }
  sending_.clear();
}

void TaskConnection::Core::SetWritable(bool writable) {
  std::vector<Signal> told;
  {
    const sync::Lock lock(mutex_);
    writable_ = writable;
    if (writable) told.swap(writers_);
  }
  for (const Signal& writer : told) writer.Finish({});
}

void TaskConnection::Core::Failed(const absl::Status& why) {
  connection_ = nullptr;
  {
    const sync::Lock lock(mutex_);
    closed_ = Unshared(why);
  }
  SetWritable(true);  // who waits for that is told why
  EndReading(why);
  opened_.Finish({});
}

void TaskConnection::Core::Closed(const ConnectionClosed& closed) { Failed(StatusOf(closed)); }

void TaskConnection::Core::EndReading(const absl::Status& why) {
  std::optional<Signal> told;
  {
    const sync::Lock lock(mutex_);
    if (end_.ok()) end_ = Unshared(why);
    told = std::exchange(reader_, std::nullopt);
  }
  if (told.has_value()) told->Finish({});
}

absl::Status TaskConnection::Core::StatusOf(const ConnectionClosed& closed) const {
  switch (closed.why) {
    case ConnectionClosed::Why::kPeer:
      return absl::OutOfRangeError("the peer sends no more");
    case ConnectionClosed::Why::kLocal:
      return absl::CancelledError("the connection was closed here");
    case ConnectionClosed::Why::kError:
      return sys::ErrorStatus(closed.error, open_ ? "connection to" : "connect to", peer_);
    case ConnectionClosed::Why::kNotRead:
      return absl::ResourceExhaustedError("the peer \"" + peer_ + "\" does not read");
    case ConnectionClosed::Why::kTimedOut:
      return absl::DeadlineExceededError("the connection to \"" + peer_ + "\" timed out");
    case ConnectionClosed::Why::kShutdown:
      return absl::CancelledError("whose connection it was has ended");
  }
  return absl::InternalError("no such end");
}

}  // namespace belfry
