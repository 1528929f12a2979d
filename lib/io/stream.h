// One connection: a socket, or another descriptor that can be polled, read and written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/connection.h"
#include "io/held_listener.h"
#include "io/out_buffer.h"
#include "sys/unique_fd.h"

namespace belfry {

class StreamGroup;

// Life: connecting → open → (closing: what was written is still sent → lingering: the peer is told,
// and what it still sends is thrown away, since closing a socket with unread data resets it and may
// destroy what we sent) → finished: the descriptor is closed, its listener is told at the end of
// the turn, and the stream goes.
//
// Its listener is called from the loop alone, never from inside a method that the listener or
// anybody else calls: what such a call leads to waits for the end of the turn.
//
// There may be hundreds of thousands, so each byte counts: what only a few of them need is
// elsewhere (OutBuffer), and times are the low half of the group's milliseconds.
//
// Thread safety: the loop's thread.
class Stream final : public Connection, private Watcher {
 public:
  using Why = ConnectionClosed::Why;

  Stream(std::uint32_t place, StreamGroup& group, HeldListener listener, sys::UniqueFd fd);
  ~Stream();

  // Throws what EventLoop::Watch throws.
  void StartConnecting();
  // Then either of the two tells its listener.
  void StartOpen();
  void OpenAccepted();
  void OpenLater() { TellLater(); }

  void CloseBecause(Why why);
  void AbortBecause(Why why) { Finish(why, 0); }
  void EndTurn();
  void TellClosed();

  // It is no socket, but something that is read or written, or both.
  void UseAsFile(bool may_read, bool may_write);

  ConnectionListener& listener() const { return *listener_.get(); }
  std::uint32_t place() const { return place_; }
  bool finished() const { return state_ == State::kFinished; }
  // Whose watcher it is, if it is of this group.
  static Stream& Of(Watcher& watcher) { return static_cast<Stream&>(watcher); }

  // --- Connection ---
  void Write(std::string_view data) override;
  void Flush() override;
  void Close() override { CloseBecause(Why::kLocal); }
  void EndWriting() override;
  void Abort() override { Finish(Why::kLocal, 0); }
  void PauseReading() override;
  void ResumeReading() override;
  void SetDeadline(std::optional<Nanoseconds> in) override;
  void Defer(std::function<void(Connection&)> work) override;
  ConnectionId id() const override;
  std::size_t unsent() const override { return out_ == nullptr ? 0 : out_->size(); }
  bool writable() const override { return MayWrite() && !above_high_; }
  std::string peer() const override;

 private:
  enum class State : std::uint8_t { kConnecting, kOpening, kOpen, kClosing, kLingering, kFinished };

  bool MayWrite() const { return state_ <= State::kOpen && !write_ended_; }
  bool WantsToRead() const;
  void Open();
  void OnReady(Readiness readiness) override;
  void Connected();
  void ReadSome();
  bool ReadOnce();
  void PeerEnded();
  void Broken();
  std::string_view SendDirectly(std::string_view data);
  void SendSome();
  ssize_t Send(std::string_view data);
  void AllSent();
  void Linger();
  void EndSocketWriting();
  void Finish(Why why, int error);
  void TellLater();
  void UpdateInterest();

  // --- Time (stream_time.cc) ---
  struct Limit {
    std::int64_t left;  // milliseconds
    Why why;
  };
  std::optional<Limit> NextLimit() const;
  void UpdateTimer();
  void OnTime();

  StreamGroup& group_;
  const HeldListener listener_;
  std::unique_ptr<OutBuffer> out_;  // not sent yet
  sys::UniqueFd fd_;
  WatchId watch_;
  const std::uint32_t place_;
  std::uint32_t heard_;         // when something came
  std::uint32_t moved_;         // when something was sent
  std::uint32_t deadline_ = 0;  // if has_deadline_
  int error_ = 0;
  TimerId timer_;
  SteadyTime timer_due_;
  State state_ = State::kConnecting;
  Why why_ = Why::kLocal;
  bool is_socket_ = true;
  bool accepted_ = false;
  bool peer_ended_ = false;
  bool write_ended_ = false;  // nothing more may be written
  bool end_told_ = false;     // and the peer knows
  bool paused_ = false;
  bool above_high_ = false;
  bool blocked_ = false;   // the system took less than there was
  bool in_ready_ = false;  // what is written now is sent when OnReady is over
  bool to_tell_ = false;   // is on the group's list
  bool writable_again_ = false;
  bool has_deadline_ = false;
};

}  // namespace belfry
