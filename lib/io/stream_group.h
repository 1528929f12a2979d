// The connections of one server or connector, and what they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"

#include "belfry/connection.h"
#include "belfry/executor.h"
#include "io/cork.h"
#include "io/out_buffer.h"
#include "io/slab.h"
#include "io/stream.h"
#include "sync/sync.h"

namespace belfry {

// Whoever wants to know that one of them has gone.
class StreamGroupOwner {
 public:
  virtual void StreamGone() = 0;

 protected:
  ~StreamGroupOwner() = default;
};

// What a stream's listener writes while it is told of data is sent when it is done.
struct Gathering {
  const Stream* corked = nullptr;  // whose writes go to the cork
  Cork cork;
};

// Thread safety: the loop's thread; Defer and open() from any.
// Lifetime: held by a shared_ptr. End, then it stays for as long as a turn of the loop may still be
// inside of it.
class StreamGroup final : public Runnable, public std::enable_shared_from_this<StreamGroup> {
 public:
  // `id`: ConnectionId::server of its streams. Options that Check refuses are a bug (aborts).
  StreamGroup(EventLoop& loop, const ConnectionOptions& options, std::uint64_t id = NewId());

  static std::uint64_t NewId();

  static absl::Status Check(const ConnectionOptions& options);

  // Errors: what EventLoop::Watch throws; the stream is gone then, and its listener not told.
  Stream& AddOpen(sys::UniqueFd fd, HeldListener listener);
  Stream& AddConnecting(sys::UniqueFd fd, HeldListener listener);
  Stream* Find(ConnectionId id);
  void Defer(ConnectionId id, std::function<void(Connection&)> work);
  void ForEach(const std::function<void(Stream&)>& visit);
  void CloseAll(ConnectionClosed::Why why);
  // Aborts all; nobody is told of the last ones' going. Outside of a turn it is over at once.
  void End();
  void SetOwner(StreamGroupOwner* owner) { owner_ = owner; }

  bool ended() const { return ended_; }

  std::uint64_t id() const { return id_; }
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }
  std::size_t size() const { return size_; }  // those that are not gone, closed ones included

  // --- For streams ---
  EventLoop& loop() { return loop_; }
  const ConnectionOptions& options() const { return options_; }
  std::span<char> read_buffer() { return {read_buffer_.get(), options_.read_bytes_max}; }
  OutBuffers& out_buffers() { return out_buffers_; }
  Gathering& gathering() { return gathering_; }
  // Whether anybody wants to know when something came: a time-out does.
  bool notes_time() const { return notes_time_; }
  std::uint32_t Now() { return loop_.turn_milliseconds(); }
  bool MayKeep() const { return unsent_ <= options_.write_buffers_max; }
  void Kept(std::size_t bytes) { unsent_ += bytes; }
  void Sent(std::size_t bytes) { unsent_ -= bytes; }
  void Closed() { open_.fetch_sub(1, std::memory_order_relaxed); }
  // EndTurn is called at the end of the turn.
  void TellLater(Stream& stream);

 private:
  Stream& Add(sys::UniqueFd fd, HeldListener listener, void (Stream::*start)(sys::UniqueFd));
  void TellOne(Stream& stream);
  void TellAll();
  void TellClosed(Stream& stream);
  void Run() override;
  void EndTurn();
  void RunLater();

  EventLoop& loop_;
  const ConnectionOptions options_;
  const bool notes_time_;
  const std::uint64_t id_;
  const std::unique_ptr<char[]> read_buffer_;
  Gathering gathering_;
  OutBuffers out_buffers_;
  Slab<Stream> streams_;
  std::size_t size_ = 0;
  std::size_t unsent_ = 0;
  std::vector<Stream*> to_tell_;
  bool all_to_tell_ = false;  // there was no memory for that list
  bool run_later_ = false;    // the loop will call Run
  bool telling_all_ = false;
  bool ended_ = false;
  std::shared_ptr<StreamGroup> until_run_;
  StreamGroupOwner* owner_ = nullptr;
  sync::Atomic<std::size_t> open_{0};
};

}  // namespace belfry
