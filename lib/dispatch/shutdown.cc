// Waiting for quiet, and the end.

#include <algorithm>
#include <new>
#include <utility>

#include "belfry/check.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/thread_record.h"

namespace belfry {

// Deliveries as they run at one moment, to be looked at again later.
struct DispatcherCore::Watch {
  struct Running {
    const Frame* frame;
    std::uint64_t deliveries;
    const void* callee;
    bool operator==(const Running&) const = default;
  };
  // A turn delivers many events in what its frame counts as one delivery.
  struct Turn {
    ListenerId listener;
    std::uint64_t started;
    bool operator==(const Turn&) const = default;
  };
  SteadyTime since;  // when all of these had been seen
  std::vector<Running> running{};
  std::vector<Turn> turns{};

  static Running Of(const Frame& frame) { return {&frame, frame.deliveries(), frame.callee()}; }
  // How long the listener's delivery in `frame` has been running for certain.
  Nanoseconds RunningFor(const ListedListener& listener, const Frame& frame, SteadyTime now) const {
    const auto has = [](const auto& list, const auto& one) {
      return std::find(list.begin(), list.end(), one) != list.end();
    };
    const bool queued = listener.place.cell == nullptr;
    const bool was_there = has(running, Of(frame)) &&
                           (!queued || has(turns, Turn{listener.stats.id, listener.started}));
    return was_there ? now - since : Nanoseconds::zero();
  }
};

DispatcherCore::Watch DispatcherCore::WatchRunning() const {
  Watch watch;
  try {
    Frame::ForEach([&](const Frame& frame) {
      if (frame.inside() != nullptr && frame.core() == this) {
        watch.running.push_back(Watch::Of(frame));
      }
    });
    topics_.ForEach([&](Topic& topic) {
      ListenerId last = 0;
      while (const auto listener = topic.NextAfter(last)) {
        last = listener->id();
        if (listener->running()) watch.turns.push_back({last, listener->started()});
      }
    });
  } catch (const std::bad_alloc&) {
    // The end needs no memory; a report of what is stuck will not know for how long.
  }
  watch.since = Clock::Real().Now();
  return watch;
}

DrainResult DispatcherCore::Drain(std::optional<Nanoseconds> limit) {
  if (forked() || Frame::InnermostOf(*this) != nullptr) return DrainResult::kWouldDeadlock;
  const Executor* const executor = Executor::Current();
  if (executor != nullptr && !executor->may_block()) return DrainResult::kWouldDeadlock;
  std::optional<SteadyTime> deadline;
  if (limit.has_value()) deadline = TimeAfter(Clock::Real().Now(), *limit);
  return AwaitQuiet(deadline) ? DrainResult::kDrained : DrainResult::kTimedOut;
}

// Whether nothing was under way any more before the deadline.
bool DispatcherCore::AwaitQuiet(std::optional<SteadyTime> deadline) {
  const BlockingScope blocking;
  if (options_.synchronous) {  // something is left when a thread was unwound inside a listener
    const Turns::Holder turn(turns_, deadline);
    if (turn.outermost()) turns_.RunAll();
  }
  // What runs may publish what waits, and the other way round. If nothing was accepted while this
  // looked at all of them one after the other, it was quiet when it began to.
  struct Watching {
    explicit Watching(sync::Atomic<unsigned>& n) : count(n) { ++count; }
    ~Watching() { --count; }
    sync::Atomic<unsigned>& count;
  };
  const Watching watching(quiet_watchers_);
  for (;;) {
    {
      const sync::Lock lock(quiet_mutex_);
      while (!AllIdle()) {
        if (!deadline.has_value()) {
          quiet_.Wait(quiet_mutex_);
        } else if (!quiet_.WaitUntil(quiet_mutex_, *deadline) && !AllIdle()) {
          return false;
        }
      }
    }
    if (!ThreadRecord::AwaitLeft(*this, deadline)) return false;
    const std::uint64_t before = Accepted();
    const bool quiet = AllIdle() && ThreadRecord::HaveLeft(*this);
    if (quiet && Accepted() == before) return true;
  }
}

bool DispatcherCore::AllIdle() const {
  bool idle = true;
  topics_.ForEach([&](Topic& topic) { idle = idle && topic.quiet(); });
  return idle;
}

// How many events have been given to listeners with queues so far.
std::uint64_t DispatcherCore::Accepted() const {
  std::uint64_t accepted = 0;
  topics_.ForEach([&](Topic& topic) { accepted += topic.queued_accepted(); });
  return accepted;
}

void DispatcherCore::TellQuiet() {
  if (!quiet_awaited()) return;
  const sync::Lock lock(quiet_mutex_);
  quiet_.NotifyAll();
}

bool DispatcherCore::closed() const {
  return state_.load(std::memory_order_seq_cst) != State::kOpen;
}

void DispatcherCore::CloseIntake(ShutdownMode mode) {
  const State wanted = mode == ShutdownMode::kDrain ? State::kDraining : State::kDiscarding;
  State state = state_.load(std::memory_order_seq_cst);
  while (state < wanted &&
         !state_.compare_exchange_weak(state, wanted, std::memory_order_seq_cst)) {
  }
  topics_.ForEach([](Topic& topic) { topic.Close(); });
}

std::uint64_t DispatcherCore::DiscardAll() {
  std::uint64_t cancelled = 0;
  topics_.ForEach([&](Topic& topic) { cancelled += topic.DiscardAll(); });
  return cancelled;
}

// By those who are subscribed, who have no other cancelled events than what a shutdown discards.
std::uint64_t DispatcherCore::CancelledSoFar() const {
  std::uint64_t cancelled = 0;
  topics_.ForEach([&](const Topic& topic) { cancelled += topic.queued_cancelled(); });
  return cancelled;
}

// On a thread that the end would wait for.
bool DispatcherCore::OnOwnThread() const {
  return Frame::InnermostOf(*this) != nullptr ||
         (own_executor_ != nullptr && Executor::Current() == own_executor_);
}

// The right to end the dispatcher, one at a time; given back even when a thread is unwound.
class DispatcherCore::Ending {
 public:
  Ending(DispatcherCore& core, SteadyTime deadline) : core_(core) {
    const sync::Lock lock(core_.shutdown_mutex_);
    bool in_time = true;
    while (core_.shutting_down_ && in_time) {
      in_time = core_.shutdown_ended_.WaitUntil(core_.shutdown_mutex_, deadline);
    }
    mine_ = !std::exchange(core_.shutting_down_, true);
  }
  ~Ending() {
    if (!mine_) return;
    const sync::Lock lock(core_.shutdown_mutex_);
    core_.shutting_down_ = false;
    core_.shutdown_ended_.NotifyAll();
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

  bool mine() const { return mine_; }

 private:
  DispatcherCore& core_;
  bool mine_ = false;
};

ShutdownReport DispatcherCore::Shutdown(ShutdownMode mode, Nanoseconds limit) {
  ShutdownReport report;
  if (forked()) return report;
  const SteadyTime deadline = TimeAfter(Clock::Real().Now(), limit);
  const std::uint64_t cancelled_before = CancelledSoFar();
  CloseIntake(mode);
  if (mode == ShutdownMode::kDiscard) report.cancelled = DiscardAll();
  if (OnOwnThread()) {
    report.requested_only = true;
    return report;
  }
  const Watch before = WatchRunning();
  const Ending ending(*this, deadline);
  if (ending.mine()) {
    sources_.StopAll();
    report.complete = AwaitQuiet(deadline);
    // What ran when it was told to stop may have begun one more event, or cancelled all the rest.
    if (mode == ShutdownMode::kDiscard) {
      const std::uint64_t cancelled = CancelledSoFar();
      report.cancelled = cancelled - std::min(cancelled, cancelled_before);
    }
    if (report.complete) Finish();
  }
  if (!report.complete) ReportStuck(before, report);
  return report;
}

void DispatcherCore::ReportStuck(const Watch& before, ShutdownReport& report) const {
  const SteadyTime now = Clock::Real().Now();
  topics_.ForEach([&](const Topic& topic) {
    for (const ListedListener& listener : topic.ListListeners()) {
      report.queued += listener.stats.deliveries.queued;
      if (listener.stats.deliveries.running == 0) continue;
      Frame::ForEach([&](const Frame& frame) {
        if (!frame.Calls(listener.place)) return;
        report.stuck.push_back({listener.stats.name, topic.type(),
                                frame.thread().thread_id.load(std::memory_order_relaxed),
                                before.RunningFor(listener, frame, now)});
      });
    }
  });
}

// Nothing is under way: refuses everything from now on, joins the threads, destroys the listeners.
void DispatcherCore::Finish() {
  if (state_.exchange(State::kClosed, std::memory_order_seq_cst) == State::kClosed) return;
  // While draining, the destructor of a callable could still publish: now nothing can, but what did
  // is waited for.
  AwaitQuiet(std::nullopt);
  spare_hook_.reset();
  own_pool_.reset();
  topics_.ForEach([](Topic& topic) { topic.queued_listeners().DetachAll(); });
  topics_.ForEach([](Topic& topic) { topic.mailbox_listeners().DetachAll(); });
  topics_.ForEach([](Topic& topic) { topic.inline_listeners().DetachAll(); });
  turns_.Clear();
}

void DispatcherCore::Destroy() {
  if (OnOwnThread()) {
    const Frame* const frame = Frame::InnermostOf(*this);
    const std::string message =
        frame == nullptr ? "a dispatcher was destroyed on a thread of its own pool"
                         : "a dispatcher was destroyed inside its own " + frame->Describe();
    CheckFailed(__FILE__, __LINE__, "a thread that the end does not wait for", message);
  }
  static_cast<void>(Shutdown(ShutdownMode::kDiscard, Nanoseconds::max()));
}

}  // namespace belfry
