// A queued listener: its position in its topic's log, its turns on an executor, and its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/executor.h"
#include "belfry/listener_body.h"
#include "belfry/listener_options.h"
#include "belfry/publish_outcome.h"
#include "belfry/subscription.h"
#include "dispatch/callable.h"
#include "dispatch/event_log.h"
#include "dispatch/frame.h"
#include "dispatch/listener.h"
#include "dispatch/queued_state.h"
#include "dispatch/queued_traits.h"
#include "sync/sync.h"

namespace belfry {

// Its turn is one piece of work on its executor, posted when there is something to deliver and not
// posted yet. What it delivers it reads from the log without a lock.
//
// Thread safety: any thread, where nothing else is said.
class QueuedListener final : public ListenerWithQueue,
                             public Runnable,
                             public std::enable_shared_from_this<QueuedListener> {
 public:
  // Throws what the callable's move throws, and std::bad_alloc.
  QueuedListener(std::shared_ptr<DispatcherCore> core, Topic& topic, const QueuedTraits& traits,
                 CallableHandle callable);
  // Who it is; its subscription holds it from now on.
  void Begin(ListenerId id, std::string& name, Site site);

  const QueuedTraits& traits() const { return traits_; }

  // --- Its topic's, under the mutex ---
  void EnterLog(EventLog& log);
  // It is in the listener set no more. Whether nobody runs it, and so nobody else will end it.
  bool LeaveLog(std::uint64_t tail, LogPage* last);
  QueuedState& state() { return state_; }
  bool detached() const { return state_.Is(QueuedState::kDetached); }
  bool lossy() const { return lossy_; }
  std::uint64_t started() const override { return started_.load(std::memory_order_acquire); }
  std::uint64_t bytes_started() const { return bytes_started_.load(std::memory_order_acquire); }
  bool idle() const { return !state_.Is(QueuedState::kPosted); }
  bool running() const override { return state_.Is(QueuedState::kRunning); }
  void MarkPosted();
  // Of a lossy one, whose position is the mutex's: the oldest event, whose place is free then. Null
  // when there is none. Adds to `freed` the pages that nobody uses any more.
  Publication* TakeOldest(EventLog& log, LogPage*& freed);
  void CountDropped() { ++dropped_; }
  bool gone() const { return gone_; }
  void SetGone() { gone_ = true; }
  DeliveryCounts CountsAt(std::uint64_t tail) const;
  DeliveryCounts CountsAtEnd() const { return CountsAt(end_); }
  QueuedListener* next_to_post = nullptr;
  std::uint64_t bytes_before = 0;  // of the events in the log before it began
  bool takes_context = false;      // what will be called does
  // Who takes over from the callable when nobody runs it.
  std::unique_ptr<Callable> next_callable;
  bool replacing() const { return state_.Is(QueuedState::kReplacing); }

  // --- Its publishers' ---
  std::optional<Nanoseconds> patience() const override;
  bool AwaitRoom(EventSize size, const Mail* mail, SteadyTime deadline) override;

  // --- Deliveries ---
  void PostTurn() { traits_.executor->Post(static_cast<Runnable&>(*this)); }
  void Run() override;
  Owner owner() const override { return {id(), name()}; }
  void DeliverUntil(const Publication& publication) override;

  // --- Its run's ---
  sync::Atomic<std::uint64_t>& position() { return started_; }
  Callable& callable() { return *callable_; }
  void CountFailed() { failed_.fetch_add(1, std::memory_order_relaxed); }
  void CountFiltered() { filtered_.fetch_add(1, std::memory_order_relaxed); }

  // --- The end ---
  void Detach() override;
  ResetResult Reset() override;
  ReplaceResult Replace(CallableHandle callable) override;
  void SetMuted(bool muted) override;
  void Finish() override;  // at the end of the dispatcher, too
  std::uint64_t Discard() override;

  DeliveryCounts counts() const;
  ListedListener Listed() const;

 private:
  // How long a turn that has come to the end of the log waits for more, in pauses of the processor.
  static constexpr unsigned kLingerMin = 4;
  static constexpr unsigned kLingerMax = 128;

  class Turn;
  void EndTurn();
  void TakeNext();

  // The next event, if it has come and is to be delivered.
  LogCell* Next(std::uint64_t position);
  void Move(std::uint64_t position);
  bool Linger(std::uint64_t position);
  bool LingerLong(std::uint64_t position);
  unsigned DeliverRun(Frame& frame, unsigned max);
  bool DeliverNext(Frame& frame);
  bool DeliverLossy(Frame& frame);
  bool DeliverBytes(Frame& frame, LogCell& cell, std::uint64_t position);
  bool DeliverPublication(Frame& frame, Publication& publication);
  bool PassOver(Publication* publication);
  void Count(DeliveryOutcome::Kind outcome);
  void CancelUntil(std::uint64_t end);
  void End();

  const std::shared_ptr<DispatcherCore> core_;
  const QueuedTraits traits_;
  const bool lossy_;                        // of library events: a full queue drops the oldest
  std::unique_ptr<Callable> callable_;      // of the one who is running
  std::shared_ptr<QueuedListener> held_;    // by its subscription
  std::shared_ptr<QueuedListener> posted_;  // by its executor

  alignas(64) QueuedState state_;
  LogPage* page_ = nullptr;       // of the one who is running
  unsigned linger_ = kLingerMin;  // likewise: how long to wait at first
  // The position of the next event to start. Where it is lossy, moved under the topic's mutex.
  sync::Atomic<std::uint64_t> started_{0};
  sync::Atomic<std::uint64_t> bytes_started_{0};
  sync::Atomic<std::uint64_t> failed_{0};
  sync::Atomic<std::uint64_t> filtered_{0};
  sync::Atomic<std::uint64_t> cancelled_{0};

  // Under the topic's mutex.
  std::uint64_t begin_ = 0;  // the first position
  std::uint64_t end_ = 0;    // when detached, the one behind the last
  LogPage* end_page_ = nullptr;
  std::uint64_t dropped_ = 0;
  bool gone_ = false;
};

}  // namespace belfry
