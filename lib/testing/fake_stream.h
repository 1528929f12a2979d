// One connection of FakeServer or FakeConnector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/connection.h"
#include "belfry/testing/world.h"
#include "belfry/timer.h"
#include "io/held_listener.h"
#include "io/out_buffer.h"
#include "testing/fake_link.h"

namespace belfry::testing {

class FakeStreams;

// The life of lib/io/stream.h's, and its names, with a FakeLink for the descriptor: what can be
// read from it is a step of the world, inside a turn of the loop.
//
// Thread safety: the world's thread.
class FakeStream final : public Connection {
 public:
  using Why = ConnectionClosed::Why;

  FakeStream(FakeStreams& group, std::uint64_t number, std::shared_ptr<FakeLink> link,
             HeldListener listener);
  ~FakeStream();

  // Then one of the next three.
  void StartConnecting();
  void OpenAccepted();
  void OpenLater();
  // What whom it connects to will answer, if it is on its way: 0, or an errno; none: not yet.
  void SetAnswer(std::optional<int> error);

  void CloseBecause(Why why);
  void AbortBecause(Why why) { Finish(why, 0); }
  void EndTurn();
  void TellClosed();
  bool finished() const { return state_ == State::kFinished; }

  // --- For its peer ---
  // There is something new on the link.
  void Pump();
  void PeerReadsOn();
  std::string_view unsent_data() const { return {unsent_.data(), unsent_.size()}; }
  bool paused() const { return paused_; }
  const std::shared_ptr<FakeLink>& shared_link() const { return link_; }

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
  std::size_t unsent() const override { return unsent_.size(); }
  bool writable() const override { return MayWrite() && !above_high_; }
  std::string peer() const override { return finished() ? "" : link_->name; }

 private:
  enum class State { kConnecting, kOpening, kOpen, kClosing, kLingering, kFinished };
  struct Limit {
    std::int64_t left;  // milliseconds
    Why why;
  };

  bool MayWrite() const { return state_ <= State::kOpen && !write_ended_; }
  bool WantsToRead() const;
  bool IsReadable() const;
  OperationId InTurn(const std::string& what, void (FakeStream::*work)());
  void Cancel(OperationId& operation);
  template <class F>
  void Tell(F call);
  void Open();
  void Connected();
  void OnReadable();
  void OnWritable();
  bool TakeArrival();
  bool ReadData();
  void PeerEnded();
  std::size_t Send(std::string_view data);
  void SendSome();
  void Block();
  void AllSent();
  void Linger();
  void TellEnd();
  void Finish(Why why, int error);
  void TellLater();

  // --- Time (fake_stream_time.cc) ---
  std::int64_t Now() const;
  std::optional<Limit> NextLimit() const;
  void UpdateTimer();
  void OnTime();

  FakeStreams& group_;
  const std::uint64_t number_;
  const std::shared_ptr<FakeLink> link_;
  HeldListener listener_;
  OperationId readable_;  // a step
  OperationId writable_;  // a step; also while it connects
  int answer_ = 0;        // then
  OutBuffer unsent_;
  Timer timer_;
  std::int64_t heard_;  // when something came, in milliseconds
  std::int64_t moved_;  // when something was sent
  std::optional<std::int64_t> deadline_;
  State state_ = State::kConnecting;
  Why why_ = Why::kLocal;
  int error_ = 0;
  bool accepted_ = false;
  bool peer_ended_ = false;
  bool write_ended_ = false;  // nothing more may be written
  bool paused_ = false;
  bool choked_ = false;  // not read, since too much is unsent
  bool above_high_ = false;
  bool blocked_ = false;  // the peer took less than there was
  bool to_tell_ = false;  // is on the group's list
  bool writable_again_ = false;
  bool closes_ = false;  // as soon as it has opened
};

}  // namespace belfry::testing
