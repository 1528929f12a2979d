// A walk's executors and timers, and the end.

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

#include "model/events.h"
#include "model/runner.h"

namespace belfry::model {

// Piece by piece, so that what nobody sees is noticed before the next one makes a difference.
void Runner::Run(int executor, bool one) {
  ManualExecutor& manual = executors_.at(static_cast<std::size_t>(executor));
  for (bool any = true; any && right();) {
    model_.BeginRun(executor);
    any = manual.RunOne();
    model_.EndRun(!any);
    if (one) return;
  }
}

void Runner::Wait(int units) {
  model_.BeginWait(units * kUnit);
  timers_.Advance(units * kUnit);
  model_.EndWait();
}

void Runner::PublishLater(const Operation& operation) {
  const EventPlan& plan = operation.events[0];
  const int number = model_.Announce(plan);
  const Scheduled scheduled = WithType(plan.type, [&](auto* event) {
    return Schedule<std::remove_pointer_t<decltype(event)>>(operation, number);
  });
  model_.Schedule(number, operation.time * kUnit, scheduled.result());
  handles_.at(static_cast<std::size_t>(operation.slot)) = {scheduled, number};
}

template <class E>
Scheduled Runner::Schedule(const Operation& operation, int number) {
  const EventPlan& plan = operation.events[0];
  const Nanoseconds delay = operation.time * kUnit;
  PublishOptions options = OptionsOf(plan);
  if (plan.way == Way::kShared) {
    auto event = std::make_shared<const E>(Make<E>(plan, number));
    return dispatcher_->PublishAfter(delay, std::move(event), std::move(options));
  }
  if (!operation.at) {
    return dispatcher_->PublishAfter(delay, Make<E>(plan, number), std::move(options));
  }
  const WallTime time =
      timers_.clock().WallNow() + std::chrono::duration_cast<WallTime::duration>(delay);
  return dispatcher_->PublishAt(time, Make<E>(plan, number), std::move(options));
}

void Runner::Cancel(std::size_t handle) {
  const auto& [scheduled, event] = handles_.at(handle);
  if (event != 0) model_.Cancel(event, scheduled.Cancel());
}

void Runner::ForgetSticky(Type type) {
  const bool was_there = WithType(type, [&](auto* event) {
    return dispatcher_->ForgetSticky<std::remove_pointer_t<decltype(event)>>();
  });
  model_.ForgetSticky(type, was_there);
}

void Runner::Shutdown(ShutdownMode mode) {
  for (int round = 0; mode == ShutdownMode::kDrain && right() && !model_.nothing_queued();
       ++round) {
    for (int executor = 0; !synchronous_ && executor < kExecutors; ++executor) {
      Run(executor, false);
    }
    Wait(1);
    model_.Expect(round < 1'000, "S1: it is never drained");
    Check();
  }
  if (!right()) return;
  const std::uint64_t cancelled = mode == ShutdownMode::kDiscard ? model_.Discard() : 0;
  model_.CloseIntake();
  const ShutdownReport report = dispatcher_->Shutdown(mode, Nanoseconds::zero());
  model_.Expect(report.cancelled == cancelled, "S1: a shutdown has cancelled " +
                                                   std::to_string(report.cancelled) + ", not " +
                                                   std::to_string(cancelled));
  model_.Expect(report.complete, "S1: a shutdown was not complete");
  model_.Expect(report.unpublished == model_.unpublished(),
                "S1: a shutdown has let go of " + std::to_string(report.unpublished) +
                    " events, not " + std::to_string(model_.unpublished()));
  model_.Close();
  for (int type = 0; type < kTypes && right(); ++type) {
    static const EventPlan kPlans[kTypes] = {{.type = Type::kToken},
                                             {.type = Type::kBlock},
                                             {.type = Type::kLetter},
                                             {.type = Type::kParcel}};
    Publish(kPlans[type]);
    PublishLater({.kind = Operation::Kind::kPublishLater, .events = {kPlans[type]}});
  }
}

void Runner::End() {
  library_.clear();
  dispatcher_.reset();
  for (ManualExecutor& executor : executors_) executor.RunUntilIdle();
}

}  // namespace belfry::model
