#include "execute/timer_thread.h"

#include <utility>

#include "sys/threads.h"

namespace belfry {

TimerId TimerThread::RunAfter(Nanoseconds delay, std::function<void()> due) {
  if (!started_.load(std::memory_order_acquire)) Start();
  DueTimers::Timer timer(std::move(due));
  const SteadyTime deadline = TimeAfter(sync::Now(), delay);
  const sync::Lock lock(mutex_);
  if (stopped_) return {};
  const TimerId id = timers_.Insert(std::move(timer), deadline);
  if (timers_.NextDeadline() == deadline) changed_.NotifyOne();
  return id;
}

void TimerThread::Start() {
  const sync::Lock starting(starting_);
  if (started_.load(std::memory_order_relaxed)) return;
  thread_ = sys::StartThread("belfry-timers", [this] { Run(); });
  started_.store(true, std::memory_order_release);
}

bool TimerThread::Cancel(TimerId timer) {
  DueTimers::Timer cancelled;  // goes under no lock
  const sync::Lock lock(mutex_);
  cancelled = timers_.Take(timer);
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
  started_.store(true, std::memory_order_release);  // too late for one
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
