#include "belfry/flow/sleep.h"

#include <stdexcept>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "flow/task_run.h"
#include "sync/sync.h"

namespace belfry {

// What the timer knows of the sleeper, who may be gone when it calls.
class SleepWait::Alarm {
 public:
  explicit Alarm(SleepWait& sleeper) : sleeper_(&sleeper) {}

  void Ring() {
    Waker waker;
    {
      const sync::Lock lock(mutex_);
      if (sleeper_ == nullptr) return;
      waker = std::exchange(sleeper_, nullptr)->Ready();
    }
    waker.Wake();
  }
  // Whether it has not rung; it will not then.
  bool Stop() {
    const sync::Lock lock(mutex_);
    return std::exchange(sleeper_, nullptr) != nullptr;
  }

  Timers* timers = nullptr;
  TimerId timer{};

 private:
  sync::Mutex mutex_;
  SleepWait* sleeper_ ABSL_GUARDED_BY(mutex_);
};

void SleepWait::Start(TaskRun& run, std::coroutine_handle<> awaiting) {
  Timers* const timers = run.core().timers();
  if (timers == nullptr) throw std::logic_error("a task sleeps where there are no timers");
  alarm_ = std::make_shared<Alarm>(*this);
  Begin(run, awaiting);
  alarm_->timers = timers;
  alarm_->timer = timers->RunAfter(duration_, [alarm = alarm_] { alarm->Ring(); });
}

SleepWait::~SleepWait() {
  if (alarm_ != nullptr && alarm_->Stop()) alarm_->timers->Cancel(alarm_->timer);
  End();
}

void SleepWait::WaitsFor(WaitText& text) const { text << "a sleep of " << duration_; }

void YieldWait::Start(TaskRun& run, std::coroutine_handle<> awaiting) {
  BeginToYield(run, awaiting);
}

}  // namespace belfry
