#include "belfry/event_loop.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "belfry/check.h"
#include "loop/loop_pulse.h"
#include "loop/loop_timers.h"
#include "loop/loop_watch.h"
#include "loop/posted_work.h"
#include "loop/ticks.h"
#include "loop/watch_table.h"
#include "sync/sync.h"
#include "sys/threads.h"

namespace belfry {
namespace {

// With a clock that is not the system's, nobody tells when it moves: it is looked at this often
// while timers are armed.
constexpr Nanoseconds kForeignClockWait = std::chrono::milliseconds(10);

constexpr Nanoseconds kForEver = Nanoseconds::max();

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
  if (wait == kForEver) return -1;
  constexpr Nanoseconds::rep kPer = 1000000;
  const Nanoseconds::rep whole = wait.count() / kPer + (wait.count() % kPer > 0 ? 1 : 0);
  return static_cast<int>(std::clamp<Nanoseconds::rep>(whole, 0, std::numeric_limits<int>::max()));
}

}  // namespace

class EventLoop::Impl {
 public:
  Impl(EventLoop& loop, EventLoopOptions options)
      : loop_(loop),
        clock_(options.clock != nullptr ? *options.clock : Clock::Real()),
        pulse_(options.on_slow && options.slow_after > Nanoseconds::zero()),
        watches_(pulse_),
        timers_(clock_, loop.turn_tick_),
        owner_(sys::ThreadId()) {
    watches_.Watch(posted_.wakeup_fd(), Interest::kReadable,
                   [this](Readiness) { posted_.Woken(); });
    if (pulse_.watched()) {
      watch_.emplace(pulse_, owner_, options.slow_after, std::move(options.on_slow));
    }
  }

  // Until nothing is left. Whether there was anything.
  bool RunLeft() {
    CheckThread();
    BELFRY_CHECK(!running_, "a loop was destroyed by work that runs on it");
    const Running running(*this);
    bool ran = EndTurn();
    while (posted_.RunShare(pulse_)) {
      ran = true;
      EndTurn();
    }
    return ran;
  }

  void Run() {
    const Running running(*this);
    do {
      Turn(posted_.more_is_coming() ? Nanoseconds::zero() : kForEver);
    } while (!posted_.TakeStop());
  }

  void RunOnce(Nanoseconds wait) {
    const Running running(*this);
    Turn(wait);
  }

  void Turn(Nanoseconds wait) {
    if (EndTurn()) pulse_.Waits();  // what was put off since the last one
    const bool ready = watches_.Wait(PrepareWait(wait));
    timers_.BeginTurn();
    posted_.Awake();
    if (!ready) posted_.LetMoreCome();
    watches_.CallReady();
    pulse_.Calls(LoopWork::kTimers);
    timers_.RunDue();
    posted_.RunShare(pulse_);
    posted_.DrainWakeup();
    EndTurn();
    pulse_.Waits();
  }

  void RunAtTurnEnd(Runnable& work) {
    CheckThread();
    turn_end_.Push(work);
  }
  bool in_turn() const { return running_.load(std::memory_order_relaxed); }

  PostedWork& posted() { return posted_; }

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

  std::optional<SteadyTime> next_due() {
    CheckThread();
    if (!ending_.empty() || !turn_end_.empty() || posted_.has_work()) return clock_.Now();
    return timers_.empty() ? std::nullopt : std::optional(timers_.NextDeadline());
  }

  bool in_loop_thread() const { return owner_.load(std::memory_order_relaxed) == sys::ThreadId(); }
  const Clock& clock() const { return clock_; }

 private:
  // While it runs the loop belongs to the thread that runs it.
  class Running {
   public:
    explicit Running(Impl& impl) : impl_(impl), scope_(impl.loop_) {
      impl_.CheckThread();
      BELFRY_CHECK(!impl_.running_, "a loop was run by work that runs on it");
      impl_.running_.store(true, std::memory_order_relaxed);
      impl_.timers_.BeginTurn();
    }
    ~Running() {
      impl_.pulse_.Waits();
      impl_.timers_.EndTurn();
      impl_.running_.store(false, std::memory_order_relaxed);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Impl& impl_;
    const ExecutorScope scope_;
  };

  // Between runs whoever touches the loop takes it over: one thread may prepare it, another run it,
  // and a third clear up.
  void CheckThread() {
    const std::int64_t self = sys::ThreadId();
    if (owner_.load(std::memory_order_relaxed) == self) return;
    BELFRY_CHECK(!running_, "an event loop was used on another thread than its own: use Post");
    owner_.store(self, std::memory_order_relaxed);
  }

  // The timeout of this turn's wait. Unless it is 0, whoever posts or stops from here on wakes the
  // loop.
  int PrepareWait(Nanoseconds wait) {
    if (!timers_.empty()) wait = std::min(wait, UntilDue());
    if (!ending_.empty() || !turn_end_.empty()) wait = Nanoseconds::zero();
    const int timeout = Milliseconds(wait);
    return timeout != 0 && posted_.FallAsleep() ? timeout : 0;
  }

  Nanoseconds UntilDue() const {
    const Nanoseconds due = Until(clock_.Now(), timers_.NextDeadline());
    return &clock_ == &Clock::Real() ? due : std::min(due, kForeignClockWait);
  }

  // What is put off meanwhile waits for the next time. Whether there was anything.
  bool EndTurn() { return (!ending_.empty() || !turn_end_.empty()) && RunPutOff(); }
  bool RunPutOff() {
    if (ending_.empty()) std::swap(ending_, turn_end_);
    while (Runnable* const work = ending_.Pop()) {
      pulse_.Calls(LoopWork::kTurnEnd);
      work->Run();
    }
    return true;
  }

  EventLoop& loop_;
  const Clock& clock_;
  LoopPulse pulse_;
  PostedWork posted_;
  WatchTable watches_;
  LoopTimers timers_;
  RunnableQueue turn_end_;  // what was put off to the turn's end
  RunnableQueue ending_;    // what of that has begun; something is left when one has thrown
  sync::Atomic<bool> running_{false};
  sync::Atomic<std::int64_t> owner_;  // a thread's id
  std::optional<LoopWatch> watch_;
};

EventLoop::EventLoop(const Clock& clock) : EventLoop(EventLoopOptions{.clock = &clock}) {}
EventLoop::EventLoop(EventLoopOptions options)
    : impl_(std::make_unique<Impl>(*this, std::move(options))) {}
EventLoop::~EventLoop() { impl_->RunLeft(); }

bool EventLoop::RunLeft() { return impl_->RunLeft(); }

void EventLoop::Run() { impl_->Run(); }
void EventLoop::RunOnce(Nanoseconds wait) { impl_->RunOnce(wait); }
void EventLoop::Stop() { impl_->posted().Stop(); }
void EventLoop::Post(Runnable& work) { impl_->posted().Push(work); }
void EventLoop::PostClosure(const ClosureKind& kind, void* closure) {
  impl_->posted().PushClosure(kind, closure);
}

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
std::uint32_t EventLoop::ReadTurnMilliseconds() {
  return static_cast<std::uint32_t>(TickAt(turn_time()));
}
std::optional<SteadyTime> EventLoop::next_due() const { return impl_->next_due(); }
SteadyTime EventLoop::turn_time() { return impl_->timers().turn_time(); }

bool EventLoop::in_loop_thread() const { return impl_->in_loop_thread(); }
const Clock& EventLoop::clock() const { return impl_->clock(); }

}  // namespace belfry
