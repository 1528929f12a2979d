// Waiting for quiet, and the end.

#include <algorithm>
#include <new>
#include <utility>

#include "belfry/check.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/running_watch.h"
#include "dispatch/thread_record.h"
#include "dispatch/waiting_deliveries.h"

namespace belfry {

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
  const QuietWatchers::Watching watching(quiet_watchers_);
  for (;;) {
    if (!quiet_watchers_.Await([this] { return AllIdle(); }, deadline)) return false;
    if (!ThreadRecord::AwaitLeft(*this, deadline)) return false;
    const std::uint64_t before = Accepted();
    const bool quiet = AllIdle() && ThreadRecord::HaveLeft(*this);
    if (quiet && Accepted() == before) return true;
  }
}

bool DispatcherCore::AllIdle() const {
  bool idle = schedule_.idle();
  topics_.ForEach([&](Topic& topic) { idle = idle && topic.quiet(); });
  return idle;
}

// How many events have been given to listeners with queues so far.
std::uint64_t DispatcherCore::Accepted() const {
  std::uint64_t accepted = 0;
  topics_.ForEach([&](Topic& topic) { accepted += topic.queued_accepted(); });
  return accepted;
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
  schedule_.Close(timers());
  if (state < wanted) telling_.OfState(wanted);
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
         (slow_watch_ != nullptr && slow_watch_->LooksHere()) ||
         (own_executor_ != nullptr && Executor::Current() == own_executor_);
}

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
  const RunningWatch watch(*this, topics_);
  const ShutdownTurn::Holder turn(shutdown_turn_, deadline);
  if (turn.mine()) {
    sources_.StopAll();
    report.complete = AwaitQuiet(deadline);
    report.unpublished = schedule_.unpublished();
    // What ran when it was told to stop may have begun one more event, or cancelled all the rest.
    if (mode == ShutdownMode::kDiscard) {
      const std::uint64_t cancelled = CancelledSoFar();
      report.cancelled = cancelled - std::min(cancelled, cancelled_before);
    }
    if (report.complete) Finish();
  }
  if (!report.complete) {
    report.queued = watch.CountWaiting();
    report.stuck = watch.Running();
    report.waiting = WaitingDeliveries(topics_);
  }
  return report;
}

// Nothing is under way: refuses everything from now on, joins the threads, destroys the listeners.
void DispatcherCore::Finish() {
  if (state_.exchange(State::kClosed, std::memory_order_seq_cst) == State::kClosed) return;
  // While draining, the destructor of a callable could still publish: now nothing can, but what did
  // is waited for.
  AwaitQuiet(std::nullopt);
  if (slow_watch_ != nullptr) slow_watch_->Stop();
  spare_hook_.reset();
  own_timers_.Stop();
  own_pool_.reset();
  topics_.ForEach([](Topic& topic) { topic.queued_listeners().DetachAll(); });
  topics_.ForEach([](Topic& topic) { topic.mailbox_listeners().DetachAll(); });
  topics_.ForEach([](Topic& topic) { topic.inline_listeners().DetachAll(); });
  turns_.Clear();
  dead_letters_.Close();
  topics_.ForEach([](Topic& topic) { topic.SwapSticky(nullptr); });
  telling_.OfState(State::kClosed);
}

void DispatcherCore::Destroy() {
  if (OnOwnThread()) {
    const Frame* const frame = Frame::InnermostOf(*this);
    const std::string message =
        frame == nullptr ? "a dispatcher was destroyed on a thread of its own"
                         : "a dispatcher was destroyed inside its own " + frame->Describe();
    CheckFailed(__FILE__, __LINE__, "a thread that the end does not wait for", message);
  }
  static_cast<void>(Shutdown(ShutdownMode::kDiscard, Nanoseconds::max()));
}

}  // namespace belfry
