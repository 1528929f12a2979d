#include "belfry/event_loop.h"

#include <cxxabi.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <optional>
#include <utility>

#include "belfry/check.h"
#include "loop/loop_timers.h"
#include "loop/watch_table.h"
#include "sync/sync.h"
#include "sys/errors.h"
#include "sys/sys.h"
#include "sys/threads.h"
#include "sys/unique_fd.h"

namespace belfry {
namespace {

// With a clock that is not the system's, nobody tells when it moves: it is looked at this often
// while timers are armed.
constexpr Nanoseconds kForeignClockWait = std::chrono::milliseconds(10);

// `later` - `now` without overflow; nothing below zero.
Nanoseconds Until(SteadyTime now, SteadyTime later) {
  if (later <= now) return Nanoseconds::zero();
  SteadyTime::rep distance = 0;
  if (__builtin_sub_overflow(later.time_since_epoch().count(), now.time_since_epoch().count(),
                             &distance)) {
    return Nanoseconds::max();
  }
  return Nanoseconds(distance);
}

// Rounded up: rounded down, the loop would spin through the last millisecond before a deadline.
int Milliseconds(Nanoseconds wait) {
  constexpr Nanoseconds::rep kPer = 1000000;
  const Nanoseconds::rep whole = wait.count() / kPer + (wait.count() % kPer > 0 ? 1 : 0);
  return static_cast<int>(std::clamp<Nanoseconds::rep>(whole, 0, std::numeric_limits<int>::max()));
}

// What posted work throws has nobody to go to. A forced unwinding (pthread_cancel, pthread_exit) is
// not an error and passes.
void RunPosted(Runnable& work) {
  try {
    work.Run();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    std::terminate();
  }
}

}  // namespace

class EventLoop::Impl {
 public:
  Impl(EventLoop& loop, const Clock& clock)
      : loop_(loop),
        clock_(clock),
        wakeup_(sys::Eventfd()),
        timers_(clock),
        owner_(sys::ThreadId()) {
    if (!wakeup_) sys::ThrowErrno("eventfd");
    watches_.Watch(wakeup_.get(), Interest::kReadable, [this](Readiness) { DrainWakeup(); });
  }

  void Close() {
    CheckThread();
    BELFRY_CHECK(!running_, "a loop was destroyed by work that runs on it");
    const ExecutorScope scope(loop_);
    EndTurn();
    while (TakePosted()) {
      RunBatch();
      EndTurn();
    }
  }

  void Run() {
    do {
      Turn(std::nullopt);
    } while (!TakeStop());
  }

  void Turn(std::optional<Nanoseconds> wait) {
    const Running running(*this);
    const ExecutorScope scope(loop_);
    EndTurn();  // what was put off since the last one
    watches_.WaitAndCall(PrepareWait(wait));
    Awake();
    timers_.RunDue();
    TakePosted();
    RunBatch();
    EndTurn();
  }

  void RunAtTurnEnd(Runnable& work) {
    CheckThread();
    turn_end_.Push(work);
  }
  bool in_turn() const { return running_.load(std::memory_order_relaxed); }

  void Stop() {
    const sync::Lock lock(mutex_);
    stop_ = true;
    WakeIfAsleep();
  }

  void Post(Runnable& work) {
    const sync::Lock lock(mutex_);
    posted_.Push(work);
    WakeIfAsleep();
  }

  WatchId Watch(int fd, Interest interest, std::function<void(Readiness)> ready) {
    CheckThread();
    return watches_.Watch(fd, interest, std::move(ready));
  }

  WatchId Watch(int fd, Interest interest, Watcher& watcher) {
    CheckThread();
    return watches_.Watch(fd, interest, watcher);
  }

  Watcher* FindWatcher(WatchId watch) {
    CheckThread();
    return watches_.FindWatcher(watch);
  }

  void SetInterest(WatchId watch, Interest interest) {
    CheckThread();
    watches_.SetInterest(watch, interest);
  }

  void Unwatch(WatchId watch) {
    CheckThread();
    watches_.Unwatch(watch);
  }

  LoopTimers& timers() {
    CheckThread();
    return timers_;
  }

  bool in_loop_thread() const { return owner_.load(std::memory_order_relaxed) == sys::ThreadId(); }
  const Clock& clock() const { return clock_; }

 private:
  // For one turn the loop belongs to the thread that runs it.
  class Running {
   public:
    explicit Running(Impl& impl) : impl_(impl) {
      impl_.CheckThread();
      BELFRY_CHECK(!impl_.running_, "a loop was run by work that runs on it");
      impl_.running_ = true;
      impl_.timers_.BeginTurn();
    }
    ~Running() {
      impl_.Awake();  // also when a callback threw
      impl_.timers_.EndTurn();
      impl_.running_ = false;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Impl& impl_;
  };

  // Between runs whoever touches the loop takes it over: one thread may prepare it, another run it,
  // and a third clear up.
  void CheckThread() {
    const std::int64_t self = sys::ThreadId();
    if (owner_.load(std::memory_order_relaxed) == self) return;
    BELFRY_CHECK(!running_, "an event loop was used on another thread than its own: use Post");
    owner_.store(self, std::memory_order_relaxed);
  }

  // The timeout of this turn's wait. From here to Awake, whoever posts or stops wakes the loop.
  int PrepareWait(std::optional<Nanoseconds> wait) {
    std::optional<Nanoseconds> limit = wait;
    if (const std::optional<SteadyTime> deadline = timers_.NextDeadline()) {
      Nanoseconds due = Until(clock_.Now(), *deadline);
      if (&clock_ != &Clock::Real()) due = std::min(due, kForeignClockWait);
      limit = limit ? std::min(*limit, due) : due;
    }
    if (!batch_.empty() || !ending_.empty() || !turn_end_.empty()) limit = Nanoseconds::zero();
    const sync::Lock lock(mutex_);
    if (stop_ || !posted_.empty()) limit = Nanoseconds::zero();
    const int timeout = limit ? Milliseconds(*limit) : -1;
    asleep_ = timeout != 0;
    return timeout;
  }

  void Awake() {
    const sync::Lock lock(mutex_);
    asleep_ = false;
  }

  // Under the lock, so that the loop cannot be gone while the one who posted still writes.
  void WakeIfAsleep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(asleep_, false)) return;
    const std::uint64_t one = 1;
    while (sys::Write(wakeup_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
    }
  }

  void DrainWakeup() {
    std::uint64_t count = 0;
    while (sys::Read(wakeup_.get(), &count, sizeof(count)) < 0 && errno == EINTR) {
    }
  }

  bool TakePosted() {
    const sync::Lock lock(mutex_);
    while (Runnable* const work = posted_.Pop()) batch_.Push(*work);
    return !batch_.empty();
  }

  void RunBatch() {
    while (Runnable* const work = batch_.Pop()) RunPosted(*work);
  }

  // What is put off meanwhile waits for the next time.
  void EndTurn() {
    if (ending_.empty()) std::swap(ending_, turn_end_);
    while (Runnable* const work = ending_.Pop()) work->Run();
  }

  bool TakeStop() {
    const sync::Lock lock(mutex_);
    return std::exchange(stop_, false);
  }

  EventLoop& loop_;
  const Clock& clock_;
  const sys::UniqueFd wakeup_;
  WatchTable watches_;
  LoopTimers timers_;
  RunnableQueue batch_;     // posted work of this turn
  RunnableQueue turn_end_;  // what was put off to its end
  RunnableQueue ending_;    // what of that has begun; something is left when one has thrown
  sync::Atomic<bool> running_{false};
  sync::Atomic<std::int64_t> owner_;  // a thread's id

  sync::Mutex mutex_;
  RunnableQueue posted_ ABSL_GUARDED_BY(mutex_);
  bool asleep_ ABSL_GUARDED_BY(mutex_) = false;  // is in, or on its way into, a wait
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
};

EventLoop::EventLoop(const Clock& clock) : impl_(std::make_unique<Impl>(*this, clock)) {}
EventLoop::~EventLoop() { impl_->Close(); }

void EventLoop::Run() { impl_->Run(); }
void EventLoop::RunOnce(Nanoseconds wait) { impl_->Turn(wait); }
void EventLoop::Stop() { impl_->Stop(); }
void EventLoop::Post(Runnable& work) { impl_->Post(work); }

WatchId EventLoop::Watch(int fd, Interest interest, std::function<void(Readiness)> ready) {
  return impl_->Watch(fd, interest, std::move(ready));
}
WatchId EventLoop::Watch(int fd, Interest interest, Watcher& watcher) {
  return impl_->Watch(fd, interest, watcher);
}
Watcher* EventLoop::FindWatcher(WatchId watch) const { return impl_->FindWatcher(watch); }
void EventLoop::RunAtTurnEnd(Runnable& work) { impl_->RunAtTurnEnd(work); }
bool EventLoop::in_turn() const { return impl_->in_turn(); }
void EventLoop::SetInterest(WatchId watch, Interest interest) {
  impl_->SetInterest(watch, interest);
}
void EventLoop::Unwatch(WatchId watch) { impl_->Unwatch(watch); }

TimerId EventLoop::RunAfter(Nanoseconds delay, std::function<void()> callback) {
  return impl_->timers().RunAfter(delay, std::move(callback));
}
TimerId EventLoop::RunEvery(Nanoseconds period, std::function<void()> callback,
                            std::uint64_t repetitions) {
  return impl_->timers().RunAfter(period, std::move(callback), period, repetitions);
}
bool EventLoop::Cancel(TimerId timer) { return impl_->timers().Cancel(timer); }
void EventLoop::ArmTimer(TimerEntry& timer, Nanoseconds delay) {
  impl_->timers().Arm(timer, delay);
}
void EventLoop::CancelTimer(TimerEntry& timer) { impl_->timers().Cancel(timer); }
SteadyTime EventLoop::turn_time() { return impl_->timers().turn_time(); }

bool EventLoop::in_loop_thread() const { return impl_->in_loop_thread(); }
const Clock& EventLoop::clock() const { return impl_->clock(); }

}  // namespace belfry
