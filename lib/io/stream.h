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
// elsewhere (OutBuffer), and times are the lower half of the loop's milliseconds.
//
// What its listener writes while it is told of data goes to the group's cork, from where it is sent
// when the listener is done: one buffer for all, always warm. Only what the system does not take
// then, or what is written at other times, takes a buffer of the stream's own.
//
// Thread safety: the loop's thread.
class Stream final : private Watcher, public Connection, private TimerEntry {
 public:
  using Why = ConnectionClosed::Why;

  Stream(std::uint32_t place, StreamGroup& group, HeldListener listener);
  ~Stream();

  // Throws what EventLoop::Watch throws; the descriptor is closed then.
  void StartConnecting(sys::UniqueFd fd);
  void StartOpen(sys::UniqueFd fd);  // then either of the two tells its listener
  void OpenAccepted();
  void OpenLater() { TellLater(); }

  void CloseBecause(Why why);
  void AbortBecause(Why why) { Finish(why, 0); }
  void EndTurn();
  void TellClosed();
  bool waits() const { return to_tell_; }  // for one of the two

  // It is no socket, but something that is read or written, or both.
  void UseAsFile(bool may_read, bool may_write);

  ConnectionListener& listener() const { return *listener_; }
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
  std::size_t unsent() const override;
  bool writable() const override { return MayWrite() && !above_high_; }
  std::string peer() const override;

 private:
  enum class State : std::uint8_t { kConnecting, kOpening, kOpen, kClosing, kLingering, kFinished };

  bool MayWrite() const { return state_ <= State::kOpen && !write_ended_; }
  bool WantsToRead() const;
  void Open();
  void OnReady(Readiness readiness) override;
  void OnReadable() override;
  void AfterReading(bool more);
  [[gnu::noinline]] void KeepRest(std::string_view data, ssize_t sent);
  void Connected();
  void ReadSome();
  bool Read(ssize_t got);
  bool ReadFailed(ssize_t got);
  void PeerEnded();
  void Broken();
  void Uncork();
  void SendLater();
  void SendCork();
  [[gnu::noinline]] void Keep(std::string_view data);
  std::size_t kept() const { return out_ == nullptr ? 0 : out_->size(); }
  std::string_view SendDirectly(std::string_view data);
  void SendSome();
  ssize_t Send(std::string_view data);
  [[gnu::noinline]] ssize_t SendFailed();
  void AllSent();
  void Linger();
  void EndSocketWriting();
  [[gnu::noinline]] void Finish(Why why, int error);
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

  const std::uint32_t place_;
  StreamGroup& group_;
  ConnectionListener* const listener_;
  std::unique_ptr<OutBuffer> out_;  // not sent yet, but for what is in the group's cork
  WatchId watch_;
  std::uint32_t heard_;         // when something came, if the group notes that
  std::uint32_t moved_;         // when something was sent
  std::uint32_t deadline_ = 0;  // if has_deadline_; of one that is finished its error
  State state_ = State::kConnecting;
  Why why_ = Why::kLocal;
  bool owns_listener_ : 1;
  bool is_socket_ : 1 = true;
  bool accepted_ : 1 = false;
  bool peer_ended_ : 1 = false;
  bool write_ended_ : 1 = false;  // nothing more may be written
  bool end_told_ : 1 = false;     // and the peer knows
  bool paused_ : 1 = false;
  bool choked_ : 1 = false;  // not read, since too much is unsent
  bool above_high_ : 1 = false;
  bool blocked_ : 1 = false;  // the system took less than there was
  bool hung_up_ : 1 = false;  // and says so for as long as it is asked whether it takes more
  bool to_tell_ : 1 = false;  // is on the group's list
  bool writable_again_ : 1 = false;
  bool has_deadline_ : 1 = false;
  bool closes_ : 1 = false;  // as soon as it has opened
  bool plain_ : 1 = false;   // open, to be read, with nothing kept: see OnReadable
};
static_assert(sizeof(Stream) <= 96);

}  // namespace belfry
