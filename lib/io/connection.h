// One connection of a TcpServer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "belfry/tcp_server.h"
#include "io/outbox.h"
#include "sys/unique_fd.h"

namespace belfry {

// The server, as its connections see it.
class ConnectionHost {
 public:
  // Where whoever is being read reads to.
  virtual std::vector<char>& read_buffer() = 0;
  // The descriptor is closed.
  virtual void ConnectionEnded() = 0;
  // The last event is out: the connection can go.
  virtual void Forget(std::uint64_t number) = 0;

 protected:
  ~ConnectionHost() = default;
};

// Life: open → (closing: what was written is still sent → lingering: the peer is told, and what it
// still sends is thrown away, since closing a socket with unread data resets it and may destroy
// what we sent) → finished: the descriptor is closed, events may still wait to be accepted.
//
// Any call may lead to Forget, also from inside, by way of a listener; so whoever calls holds a
// shared_ptr meanwhile. The watch and the timers do.
//
// Thread safety: the loop's thread.
class Connection final : public OutboxOwner {
 public:
  using Why = ConnectionClosed::Why;

  Connection(EventLoop& loop, Dispatcher& dispatcher, const TcpServerOptions& options,
             std::shared_ptr<ConnectionHost> host, ConnectionId id, sys::UniqueFd socket);
  ~Connection();

  // Throws what EventLoop::Watch throws.
  void Watch();
  void PublishOpened(std::string peer);

  void Write(std::string data);
  void Close(Why why);
  void Abort(Why why) { Finish(why, 0); }
  void PauseReading();
  void ResumeReading();

  void OutboxEmptied() override;

 private:
  enum class State { kOpen, kClosing, kLingering, kFinished };

  std::shared_ptr<Connection> Self() {
    return std::static_pointer_cast<Connection>(shared_from_this());
  }
  bool WantsToRead() const;
  void OnReady(Readiness readiness);
  void ReadSome();
  // Whether to read on in this turn.
  bool ReadOnce();
  void OnEnd();
  void SendSome();
  void AfterAllSent();
  void Linger();
  void WatchProgress();
  void StopTimer();
  void Finish(Why why, int error);
  void UpdateInterest();
  std::size_t unsent() const { return unsent_.size() - sent_; }

  EventLoop& loop_;
  const TcpServerOptions& options_;  // the host's
  const std::shared_ptr<ConnectionHost> host_;
  const ConnectionId id_;
  sys::UniqueFd socket_;
  WatchId watch_;
  const EventId opened_;
  const PublishOptions linked_;  // for all events but the first
  Outbox outbox_;

  State state_ = State::kOpen;
  Why close_why_ = Why::kLocal;  // of Close
  bool peer_ended_ = false;
  bool paused_ = false;
  std::string unsent_;  // from sent_ on
  std::size_t sent_ = 0;
  TimerId timer_;  // of the state: progress while sending the rest, the end of lingering
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace belfry
