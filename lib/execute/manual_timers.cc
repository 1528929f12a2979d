#include "belfry/manual_timers.h"

#include <algorithm>
#include <utility>

#include "execute/due_timers.h"
#include "sync/sync.h"

namespace belfry {

class ManualTimers::Impl {
 public:
  TimerId RunAfter(Nanoseconds delay, std::function<void()> due) {
    DueTimers::Timer timer(std::move(due));
    const SteadyTime deadline = TimeAfter(clock_.Now(), std::max(delay, Nanoseconds::zero()));
    const sync::Lock lock(mutex_);
    return timers_.Insert(std::move(timer), deadline);
  }

  bool Cancel(TimerId id) {
    DueTimers::Timer cancelled;  // goes under no lock
    const sync::Lock lock(mutex_);
    cancelled = timers_.Take(id);
    return static_cast<bool>(cancelled);
  }

  std::size_t Advance(Nanoseconds by) {
    const SteadyTime end = TimeAfter(clock_.Now(), by);
    std::size_t called = 0;
    for (;;) {
      DueTimers::Timer due;
      {
        const sync::Lock lock(mutex_);
        const std::optional<SteadyTime> deadline = timers_.NextDeadline();
        if (!deadline.has_value() || *deadline > end) break;
        MoveTo(*deadline);
        due = timers_.TakeDue(*deadline);
      }
      due.Call();
      ++called;
    }
    MoveTo(end);
    return called;
  }

  std::optional<Nanoseconds> next() const {
    const sync::Lock lock(mutex_);
    const std::optional<SteadyTime> deadline = timers_.NextDeadline();
    if (!deadline.has_value()) return std::nullopt;
    return *deadline - clock_.Now();
  }

  const Clock& clock() const { return clock_; }

 private:
  void MoveTo(SteadyTime time) {
    const SteadyTime now = clock_.Now();
    if (time > now) clock_.Advance(time - now);
  }

  ManualClock clock_;
  mutable sync::Mutex mutex_;
  DueTimers timers_ ABSL_GUARDED_BY(mutex_);
};

ManualTimers::ManualTimers() : impl_(std::make_unique<Impl>()) {}
ManualTimers::~ManualTimers() = default;

TimerId ManualTimers::RunAfter(Nanoseconds delay, std::function<void()> due) {
  return impl_->RunAfter(delay, std::move(due));
}
bool ManualTimers::Cancel(TimerId timer) { return impl_->Cancel(timer); }
std::size_t ManualTimers::Advance(Nanoseconds by) { return impl_->Advance(by); }
std::optional<Nanoseconds> ManualTimers::next() const { return impl_->next(); }
const Clock& ManualTimers::clock() const { return impl_->clock(); }

}  // namespace belfry
