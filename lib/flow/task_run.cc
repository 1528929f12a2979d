#include "flow/task_run.h"

#include <utility>

#include "belfry/flow/task.h"
#include "dispatch/frame.h"

namespace belfry {

void TaskRun::List::PushBack(TaskWait& wait) {
  wait.before_ = last;
  wait.behind_ = nullptr;
  (last == nullptr ? first : last->behind_) = &wait;
  last = &wait;
}

void TaskRun::List::Remove(TaskWait& wait) {
  (wait.before_ == nullptr ? first : wait.before_->behind_) = wait.behind_;
  (wait.behind_ == nullptr ? last : wait.behind_->before_) = wait.before_;
}

void TaskRun::GoOn(std::coroutine_handle<> root, const Waker& waker) {
  core_ = Frame::Innermost()->core();
  std::coroutine_handle<> next = Start(root, waker);
  while (next) {
    next.resume();
    next = PopReady();
  }
}

// What to resume first. Those who have given way are ready now.
std::coroutine_handle<> TaskRun::Start(std::coroutine_handle<> root, const Waker& waker) {
  const sync::Lock lock(mutex_);
  waker_ = waker;
  running_ = true;
  while (TaskWait* const wait = yielded_.first) {
    yielded_.Remove(*wait);
    wait->phase_ = Phase::kReady;
    ready_.PushBack(*wait);
  }
  return root ? root : PopReadyLocked();
}

std::coroutine_handle<> TaskRun::PopReady() {
  const sync::Lock lock(mutex_);
  return PopReadyLocked();
}

// Null: none is ready, and whoever becomes so wakes the delivery.
std::coroutine_handle<> TaskRun::PopReadyLocked() {
  TaskWait* const wait = ready_.first;
  if (wait == nullptr) {
    running_ = false;
    return nullptr;
  }
  ready_.Remove(*wait);
  wait->phase_ = Phase::kNone;
  wait->over_ = true;
  return wait->goes_on_;
}

void TaskRun::WaitsFor(WaitText& text) const {
  const sync::Lock lock(mutex_);
  for (const TaskWait* wait = waiting_.first; wait != nullptr; wait = wait->behind_) {
    if (!text.empty()) text << ", ";
    wait->WaitsFor(text);
    text << " (" << wait->site() << ")";
  }
}

void TaskRun::Add(TaskWait& wait) {
  const sync::Lock lock(mutex_);
  wait.phase_ = Phase::kWaits;
  waiting_.PushBack(wait);
}

Waker TaskRun::Ready(TaskWait& wait) {
  const sync::Lock lock(mutex_);
  waiting_.Remove(wait);
  wait.phase_ = Phase::kReady;
  ready_.PushBack(wait);
  return running_ ? Waker() : waker_;
}

void TaskRun::Yield(TaskWait& wait) {
  Waker waker;
  {
    const sync::Lock lock(mutex_);
    wait.phase_ = Phase::kYields;
    yielded_.PushBack(wait);
    waker = waker_;
  }
  waker.Wake();
}

void TaskRun::Remove(TaskWait& wait) {
  const sync::Lock lock(mutex_);
  if (wait.phase_ == Phase::kWaits) waiting_.Remove(wait);
  if (wait.phase_ == Phase::kReady) ready_.Remove(wait);
  if (wait.phase_ == Phase::kYields) yielded_.Remove(wait);
  wait.phase_ = Phase::kNone;
}

// --- TaskWait ---

void TaskWait::End() {
  if (run_ != nullptr && !over_) run_->Remove(*this);
}

void TaskWait::Begin(TaskRun& run, std::coroutine_handle<> goes_on) {
  run_ = &run;
  goes_on_ = goes_on;
  run.Add(*this);
}

void TaskWait::BeginToYield(TaskRun& run, std::coroutine_handle<> goes_on) {
  run_ = &run;
  goes_on_ = goes_on;
  run.Yield(*this);
}

Waker TaskWait::Ready() { return run_->Ready(*this); }

// --- TaskRunner ---

TaskRunner::TaskRunner() : run_(std::make_unique<TaskRun>()) {}
TaskRunner::~TaskRunner() = default;

void TaskRunner::GoOn(std::coroutine_handle<> root, const Waker& waker) { run_->GoOn(root, waker); }
void TaskRunner::WaitsFor(WaitText& text) const { run_->WaitsFor(text); }

}  // namespace belfry
