// Waiting for quiet, and the end.

#include <algorithm>
#include <utility>

#include "belfry/check.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/frame.h"

namespace belfry {

// Deliveries as they run at one moment, to be looked at again later.
struct DispatcherCore::Watch {
  struct Running {
    std::shared_ptr<Listener> listener;
    Listener::Runner runner;
  };
  SteadyTime since;
  std::vector<Running> running;

  // How long `runner` has been running for certain.
  Nanoseconds RunningFor(const Listener& listener, const Listener::Runner& runner,
                         SteadyTime now) const {
    const bool was_there = std::any_of(running.begin(), running.end(), [&](const Running& earlier) {
      return earlier.listener.get() == &listener && earlier.runner.number == runner.number;
    });
    return was_there ? now - since : Nanoseconds::zero();
  }
};

template <class Visit>
void DispatcherCore::ForEachListener(Visit visit) const {
  topics_.ForEach([&](const Topic& topic) {
    const std::shared_ptr<const ListenerTable> table = topic.table();
    for (const std::shared_ptr<Listener>& listener : table->listeners) visit(listener);
  });
}

DispatcherCore::Watch DispatcherCore::WatchRunning() const {
  Watch watch{Clock::Real().Now(), {}};
  ForEachListener([&](const std::shared_ptr<Listener>& listener) {
    std::uint64_t number = 0;
    while (const auto runner = listener->NextRunner(number)) {
      watch.running.push_back({listener, *runner});
      number = runner->number;
    }
  });
  return watch;
}

DrainResult DispatcherCore::Drain(std::optional<Nanoseconds> limit) {
  if (Frame::InnermostOf(*this) != nullptr) return DrainResult::kWouldDeadlock;
  const Executor* const executor = Executor::Current();
  if (executor != nullptr && !executor->may_block()) return DrainResult::kWouldDeadlock;
  std::optional<SteadyTime> deadline;
  if (limit.has_value()) deadline = TimeAfter(Clock::Real().Now(), *limit);
  const BlockingScope blocking;
  return work_.AwaitNone(deadline) ? DrainResult::kDrained : DrainResult::kTimedOut;
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
}

std::uint64_t DispatcherCore::DiscardAll() {
  std::uint64_t cancelled = 0;
  ForEachListener(
      [&](const std::shared_ptr<Listener>& listener) { cancelled += listener->Discard(); });
  return cancelled;
}

ShutdownReport DispatcherCore::Shutdown(ShutdownMode mode, Nanoseconds limit) {
  const SteadyTime deadline = TimeAfter(Clock::Real().Now(), limit);
  if (forked()) return {};
  CloseIntake(mode);
  if (Frame::InnermostOf(*this) != nullptr) {
    ShutdownReport report;
    report.requested_only = true;
    if (mode == ShutdownMode::kDiscard) report.cancelled = DiscardAll();
    return report;
  }
  const BlockingScope blocking;
  {
    const sync::Lock lock(shutdown_mutex_);
    while (shutting_down_) {
      if (!shutdown_ended_.WaitUntil(shutdown_mutex_, deadline)) return {};
    }
    shutting_down_ = true;
  }
  ShutdownReport report = ShutdownAlone(deadline);
  const sync::Lock lock(shutdown_mutex_);
  shutting_down_ = false;
  shutdown_ended_.NotifyAll();
  return report;
}

ShutdownReport DispatcherCore::ShutdownAlone(SteadyTime deadline) {
  ShutdownReport report;
  sources_.StopAll();
  if (state_.load(std::memory_order_seq_cst) == State::kDiscarding) report.cancelled = DiscardAll();
  const Watch before = WatchRunning();
  report.complete = work_.AwaitNone(deadline);
  if (report.complete) {
    Finish();
    return report;
  }
  const Watch after = WatchRunning();
  for (const Watch::Running& stuck : after.running) {
    const ListenerTraits& traits = stuck.listener->traits();
    report.stuck.push_back({traits.name, traits.event_type, stuck.runner.thread_id,
                            before.RunningFor(*stuck.listener, stuck.runner, after.since)});
  }
  ForEachListener([&](const std::shared_ptr<Listener>& listener) {
    report.queued += listener->counts().queued;
  });
  return report;
}

// Nothing is under way, and nothing is accepted: joins the threads, then destroys the listeners.
void DispatcherCore::Finish() {
  if (state_.exchange(State::kClosed, std::memory_order_seq_cst) == State::kClosed) return;
  spare_hook_.reset();
  own_pool_.reset();
  ForEachListener([](const std::shared_ptr<Listener>& listener) { listener->Detach(); });
  turns_.Clear();
}

void DispatcherCore::Destroy() {
  if (const Frame* const frame = Frame::InnermostOf(*this)) {
    const std::string message = "a dispatcher was destroyed inside its own listener \"" +
                                frame->listener().traits().name + "\"";
    CheckFailed(__FILE__, __LINE__, "no delivery of this dispatcher on this thread", message);
  }
  CloseIntake(ShutdownMode::kDiscard);
  sources_.StopAll();
  DiscardAll();
  const BlockingScope blocking;
  work_.AwaitNone(std::nullopt);
  Finish();
}

}  // namespace belfry
