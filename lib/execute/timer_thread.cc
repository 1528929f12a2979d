#include "execute/timer_thread.h"

#include <utility>

#include "sys/threads.h"

namespace belfry {

TimerId TimerThread::RunAfter(Nanoseconds delay, std::function<void()> due) {
  {
    const sync::Lock starting(starting_);
    bool stopped = false;
    {
      const sync::Lock lock(mutex_);
      stopped = stopped_;
    }
    if (!thread_.joinable() && !stopped) {
      thread_ = sys::StartThread("belfry-timers", [this] { Run(); });
    }
  }
  DueTimers::Timer timer(std::move(due));
  const SteadyTime deadline = TimeAfter(sync::Now(), delay);
  const sync::Lock lock(mutex_);
  if (stopped_) return {};
  const TimerId id = timers_.Insert(std::move(timer), deadline);
  if (timers_.NextDeadline() == deadline) changed_.NotifyOne();
  return id;
}

bool TimerThread::Cancel(TimerId id) {
  DueTimers::Timer cancelled;  // goes under no lock
  const sync::Lock lock(mutex_);
  cancelled = timers_.Take(id);
  return static_cast<bool>(cancelled);
}

void TimerThread::Stop() {
  DueTimers left;  // goes under no lock
  {
    const sync::Lock lock(mutex_);
    stopped_ = true;
    std::swap(left, timers_);
    changed_.NotifyOne();
  }
  const sync::Lock starting(starting_);
  if (thread_.joinable()) thread_.join();
}

void TimerThread::Run() {
  for (;;) {
    DueTimers::Timer due;
    {
      const sync::Lock lock(mutex_);
      while (!stopped_ && !(due = timers_.TakeDue(sync::Now()))) {
        const auto deadline = timers_.NextDeadline();
        if (!deadline.has_value()) {
          changed_.Wait(mutex_);
        } else {
          changed_.WaitUntil(mutex_, *deadline);
        }
      }
    }
    if (!due) return;
    due.Call();
  }
}

}  // namespace belfry
