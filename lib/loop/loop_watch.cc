#include "loop/loop_watch.h"

#include <algorithm>
#include <utility>

#include "sys/threads.h"

namespace belfry {

LoopWatch::LoopWatch(const LoopPulse& pulse, const sync::Atomic<std::int64_t>& owner,
                     Nanoseconds slow_after, std::function<void(const SlowTurn&)> on_slow)
    : pulse_(pulse),
      owner_(owner),
      slow_after_(slow_after),
      on_slow_(std::move(on_slow)),
      thread_(sys::StartThread("belfry.watch", [this] { Run(); })) {}

LoopWatch::~LoopWatch() {
  {
    const sync::Lock lock(mutex_);
    stopped_ = true;
    changed_.NotifyOne();
  }
  thread_.join();
}

void LoopWatch::Run() {
  while (AwaitLook()) Look();
}

// Twice in that time, so that what is slow is told of before it has taken twice as long. False when
// there is nothing to look at any more.
bool LoopWatch::AwaitLook() {
  const Nanoseconds period = std::max<Nanoseconds>(slow_after_ / 2, std::chrono::milliseconds(1));
  const SteadyTime next = TimeAfter(sync::Now(), period);
  const sync::Lock lock(mutex_);
  while (!stopped_ && sync::Now() < next) changed_.WaitUntil(mutex_, next);
  return !stopped_;
}

void LoopWatch::Look() {
  const SteadyTime now = sync::Now();
  const LoopPulse::Beat beat = pulse_.Look();
  const bool again = seen_.call != 0 && beat.call != 0 && seen_.turn == beat.turn;
  if (!again) {
    seen_ = beat;
    since_ = now;
    one_call_ = true;
    told_ = false;
    return;
  }
  one_call_ = one_call_ && beat.call == seen_.call;
  seen_ = beat;
  if (told_ || now - since_ < slow_after_) return;
  told_ = true;
  on_slow_({.work = beat.work(),
            .fd = beat.fd(),
            .one_call = one_call_,
            .thread = owner_.load(std::memory_order_relaxed),
            .running_for = now - since_});
}

}  // namespace belfry
