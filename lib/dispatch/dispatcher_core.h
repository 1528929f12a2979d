// What a dispatcher is behind its public face. Kept alive by the listeners that are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/envelope.h"
#include "dispatch/annexes.h"
#include "dispatch/dead_letter_box.h"
#include "dispatch/interceptors.h"
#include "dispatch/queued_listener.h"
#include "dispatch/quiet_watchers.h"
#include "dispatch/schedule.h"
#include "dispatch/shutdown_turn.h"
#include "dispatch/slow_watch.h"
#include "dispatch/sources.h"
#include "dispatch/subscribe_error.h"
#include "dispatch/telling.h"
#include "dispatch/topic_directory.h"
#include "dispatch/turns.h"
#include "execute/timer_thread.h"
#include "sync/sync.h"
#include "sys/fork.h"

namespace belfry {

// Thread safety: any thread.
class DispatcherCore final : public std::enable_shared_from_this<DispatcherCore> {
 public:
  DispatcherCore(Dispatcher& dispatcher, DispatcherOptions options);
  ~DispatcherCore();
  // Makes the pool, if it is to own one, and starts the watcher. Throws std::system_error.
  void Start();

  Dispatcher& dispatcher() const { return dispatcher_; }
  const DispatcherOptions& options() const { return options_; }
  Sources& sources() { return sources_; }
  const Clock& clock() const { return clock_; }
  Executor& executor() const;
  EventIdSource& ids() { return ids_; }
  Turns& turns() { return turns_; }
  Timers* timers();                   // null where nobody calls back
  Executor* executor_if_any() const;  // none on a synchronous dispatcher
  Schedule& schedule() { return schedule_; }
  DeadLetterBox& dead_letters() { return dead_letters_; }
  TopicDirectory& topics() { return topics_; }
  Annexes& annexes() { return annexes_; }
  const Interceptors& interceptors() const { return interceptors_; }

  // --- publish.cc ---
  // Without options there is nothing to say but the event.
  PublishResult Publish(EventType type, EventHandle handle);
  // Takes over `outcomes` if there are any to come later.
  PublishResult Publish(EventType type, EventHandle handle, PublishOptions options,
                        std::unique_ptr<Outcomes>* outcomes = nullptr);
  // Whether a publish may go without asking whether the dispatcher accepts it.
  bool TakesShortWays() const {
    return !options_.synchronous && state_.load(std::memory_order_seq_cst) == State::kOpen;
  }

  // --- listeners: dispatcher_core.cc ---
  // Null, with `error` set, when it is refused. Throws std::bad_alloc and what the callable's move
  // throws, with nothing changed.
  Listener* Subscribe(EventType type, CallableHandle callable, ListenerOptions& options, Site site,
                      SubscribeError& error,
                      std::unique_ptr<const EventSelection> selection = nullptr);
  Stats GetStats() const;
  std::vector<std::string> ListenerNames(EventType type);

  // A delivery in that frame has failed: tells, also the publisher if that was the end of it.
  void Fail(Listener& listener, Frame& frame, std::string_view what, AttemptState state = {});
  Telling& telling() { return telling_; }

  // --- shutdown.cc ---
  // Some listener has nothing left to do. Whether somebody waits to be told so.
  void TellQuiet() { quiet_watchers_.Tell(); }
  bool quiet_awaited() const { return quiet_watchers_.any(); }
  DrainResult Drain(std::optional<Nanoseconds> limit);
  ShutdownReport Shutdown(ShutdownMode mode, Nanoseconds limit);
  void Destroy();
  bool closed() const;
  bool over() const { return state_.load(std::memory_order_seq_cst) == State::kClosed; }
  // Whether this process is a child of fork(), which has none of the threads.
  bool forked() const { return sys::ForkGeneration() != fork_generation_; }
  // There it can only be left alone: it stays for as long as the child does.
  void Abandon() { abandoned_ = shared_from_this(); }

 private:
  using State = DispatcherState;
  friend class Redelivery;
  struct Publishing;
  class Reserved;

  bool Accepts(bool in_delivery) const;
  [[gnu::noinline]] PublishResult PublishPlainly(EventType type, EventHandle handle);
  PublishResult PublishBytes(Topic& topic, EventHandle handle);
  PublishResult PublishObserved(Publishing& publishing);
  PublishResult PublishIntercepted(Publishing& publishing);
  PublishResult PublishNow(Publishing& publishing);
  PublishResult PublishPrepared(Publishing& publishing);
  PublishResult PublishInside(Frame& frame, Publishing& publishing, bool in_delivery);
  void TellObserver(Publishing& publishing, Publication& publication);
  void TellOrphan(Publication& publication);
  void HandOver(Topic& topic, Publication& publication, Postings& postings);
  static void RunInline(Frame& frame, const Envelope& envelope, const InlineSet& set,
                        const std::unique_ptr<Outcomes>* outcomes);
  Listener* SubscribeQueued(Topic& topic, CallableHandle callable, ListenerOptions& options,
                            Newcomer& newcomer, std::unique_ptr<const EventSelection> selection);
  PublishResult ReserveOrWait(Topic& topic, EventSize size, Postings& postings, bool in_delivery);
  PublishResult Refuse(Topic& topic, PublishResult result, const Listener* refuser = nullptr);

  void StartExecutor();
  void CloseIntake(ShutdownMode mode);
  std::uint64_t DiscardAll();
  std::uint64_t CancelledSoFar() const;
  bool AwaitQuiet(std::optional<SteadyTime> deadline);
  bool AllIdle() const;
  std::uint64_t Accepted() const;
  bool OnOwnThread() const;
  void Finish();

  Dispatcher& dispatcher_;
  const DispatcherOptions options_;
  const Clock& clock_;
  const std::uint32_t fork_generation_;
  Telling telling_;
  EventIdSource ids_;
  std::unique_ptr<ThreadPool> own_pool_;  // of Start and Finish
  Executor* own_executor_ = nullptr;      // it, even when it is gone
  std::shared_ptr<void> spare_hook_;      // likewise of Start and Finish
  std::shared_ptr<SlowWatch> slow_watch_;
  Annexes annexes_;
  TopicDirectory topics_;
  Turns turns_;
  DeadLetterBox dead_letters_;
  Schedule schedule_;
  TimerThread own_timers_;
  QuietWatchers quiet_watchers_;
  Sources sources_;
  sync::Atomic<State> state_{State::kOpen};
  std::shared_ptr<DispatcherCore> abandoned_;
  ShutdownTurn shutdown_turn_;
  const Interceptors interceptors_;
};

}  // namespace belfry
