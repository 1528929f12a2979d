// One connection of FakeConnections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "belfry/ambient_context.h"
#include "belfry/connections.h"
#include "belfry/dispatcher.h"
#include "belfry/testing/world.h"
#include "belfry/timer_queue.h"
#include "dispatch/backoff.h"

namespace belfry::testing {

// What all connections of one FakeConnections share.
struct FakeLoop {
  World& world;
  const std::size_t write_buffer_max;
  std::optional<Nanoseconds> latency{};
  int publishing = 0;  // inside an event of theirs: where the real ones are on the loop's thread
};

// The life of lib/io/connection.h's without the descriptor: open → (closing: what was written is
// still sent → lingering: the peer is told, and what it still sends is thrown away) → finished.
//
// Thread safety: the world's thread. Lifetime: what it does later holds it. What would do nothing,
// since it has finished or its loop is gone, is cancelled.
class FakeConnection final : public std::enable_shared_from_this<FakeConnection> {
 public:
  using Why = ConnectionClosed::Why;

  FakeConnection(std::weak_ptr<FakeLoop> loop, ConnectionId id, std::string peer);

  // --- The peer's side ---
  void Open();
  void Arrives(std::string data);
  void End();
  void Break(int error);
  void StopReading() { peer_reads_ = false; }
  void ReadOn();

  // --- The program's side, on the loop's thread ---
  // `error`: what the system says to the sending; 0: nothing.
  void Write(std::string_view data, int error);
  void EndWriting();
  void Close(Why why);
  void Abort(Why why) { Finish(why, 0); }
  void Leave() { Cancel(retrying_); }  // the loop is about to go
  void PauseReading() { paused_ = true; }
  void ResumeReading();
  void Defer(std::function<void()> work);

  const std::string& written() const { return written_; }
  const std::optional<ConnectionClosed>& ended() const { return ended_; }

 private:
  enum class State { kComing, kOpen, kClosing, kLingering, kFinished };
  struct Arrival {
    enum class Kind { kOpening, kData, kEnd, kError };
    Kind kind;
    std::string data{};
    int error = 0;
  };

  // Calls `work` as a step.
  OperationId Later(const std::string& what, std::optional<Nanoseconds> latency,
                    std::function<void()> work);
  void Cancel(OperationId& operation);
  bool WantsToRead() const;
  bool HasArrived() const;  // something that it is told now
  bool broken() const;
  void Add(Arrival arrival);
  void Pump();
  void TakeArrival();
  void OnEnd();
  void Sent(std::size_t bytes);
  void Linger();
  void WatchProgress();
  void StopTimer();
  void Finish(Why why, int error);
  template <class E>
  void Publish(E event, const PublishOptions& options);
  void Flush();

  const std::weak_ptr<FakeLoop> loop_;
  const ConnectionId id_;
  const std::string peer_;
  EventId opened_{};

  State state_ = State::kComing;
  Why close_why_ = Why::kLocal;
  bool peer_ended_ = false;
  bool peer_reads_ = true;
  bool write_ended_ = false;  // nothing more may be written
  bool paused_ = false;
  std::deque<Arrival> arrivals_;
  OperationId arriving_;
  std::string unsent_;
  std::vector<OperationId> sending_;  // of these some have finished
  std::string written_;
  TimerId timer_;  // while the rest is sent
  std::optional<ConnectionClosed> ended_;

  // Events that are not accepted yet.
  std::deque<std::function<PublishResult(Dispatcher&)>> outbox_;
  bool flushing_ = false;
  OperationId retrying_;
  Backoff backoff_;
};

}  // namespace belfry::testing
