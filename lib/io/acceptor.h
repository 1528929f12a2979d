// Takes connections from a listening socket, as long as there is room for them.
#pragma once

#include <memory>

#include "belfry/event_loop.h"
#include "sys/unique_fd.h"

namespace belfry {

// Whoever has an acceptor.
class AcceptorOwner {
 public:
  virtual bool HasRoom() const = 0;
  // 0, or the system's error: it had no room. The connection is gone then, and a rest is due.
  virtual int Accepted(sys::UniqueFd socket) = 0;
  // Accepting rests; `error` says why.
  virtual void AcceptFailed(int error) = 0;

 protected:
  ~AcceptorOwner() = default;
};

// A level-triggered listening socket is ready for as long as somebody waits to be accepted, so
// whenever the acceptor cannot accept it must not be asked: without room it waits for RoomAgain,
// without descriptors it turns one connection away, with the descriptor it keeps for that, and
// rests.
//
// Thread safety: the loop's thread.
class Acceptor {
 public:
  // `reserve`: any descriptor, to have one to give up.
  Acceptor(EventLoop& loop, AcceptorOwner& owner, sys::UniqueFd listening, sys::UniqueFd reserve)
      : loop_(loop),
        owner_(owner),
        listening_(std::move(listening)),
        reserve_(std::move(reserve)) {}
  ~Acceptor() { Stop(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  static sys::UniqueFd OpenReserve();

  // `alive` keeps the owner while the acceptor is at work. Throws what EventLoop::Watch throws.
  void Start(const std::shared_ptr<void>& alive);
  void Stop();
  void RoomAgain();

 private:
  void AcceptSome();
  // Whether to try for another one at once.
  bool AcceptOne();
  bool AfterError(int error);
  void TurnOneAway();
  void Rest(int error);
  void UpdateInterest();

  EventLoop& loop_;
  AcceptorOwner& owner_;
  sys::UniqueFd listening_;
  sys::UniqueFd reserve_;
  std::weak_ptr<void> alive_;
  WatchId watch_;
  TimerId rest_;
  bool full_ = false;
};

}  // namespace belfry
