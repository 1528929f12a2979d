#include "dispatch/slow_watch.h"

#include <algorithm>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "belfry/library_events.h"
#include "dispatch/dispatcher_core.h"

namespace belfry {

// Twice in that time, so that what is slow is told of before it has taken twice as long.
SlowWatch::SlowWatch(DispatcherCore& core, Timers& timers, Nanoseconds slow_after)
    : core_(core),
      timers_(timers),
      slow_after_(slow_after),
      period_(std::max<Nanoseconds>(slow_after / 2, std::chrono::milliseconds(1))) {}

void SlowWatch::Arm() {
  const TimerId timer = timers_.RunAfter(period_, [weak = weak_from_this()] {
    if (const std::shared_ptr<SlowWatch> self = weak.lock()) self->Look();
  });
  const sync::Lock lock(mutex_);
  timer_ = timer;
}

void SlowWatch::Stop() {
  TimerId timer;
  {
    const sync::Lock lock(mutex_);
    stopped_ = true;
    while (looker_ != sync::Thread::id()) ended_.Wait(mutex_);
    timer = timer_;
  }
  timers_.Cancel(timer);
}

bool SlowWatch::LooksHere() const {
  const sync::Lock lock(mutex_);
  return looker_ == std::this_thread::get_id();
}

// A look of the calling thread, while it is not stopped and no other one goes on.
class SlowWatch::Turn {
 public:
  explicit Turn(SlowWatch& watch) : watch_(watch) {
    const sync::Lock lock(watch_.mutex_);
    mine_ = !watch_.stopped_ && watch_.looker_ == sync::Thread::id();
    if (mine_) watch_.looker_ = std::this_thread::get_id();
  }
  ~Turn() {
    if (!mine_) return;
    const sync::Lock lock(watch_.mutex_);
    watch_.looker_ = {};
    watch_.ended_.NotifyAll();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool mine() const { return mine_; }

 private:
  SlowWatch& watch_;
  bool mine_ = false;
};

void SlowWatch::Look() {
  const Turn turn(*this);
  if (!turn.mine()) return;
  try {
    LookAtAll();
  } catch (const std::bad_alloc&) {
    // The next look may see more.
  }
  const auto over = [this] {
    core_.telling().Log(LogLevel::kError, "slow listeners are not watched for any more");
  };
  try {
    Arm();
  } catch (const std::bad_alloc&) {
    over();
  } catch (const std::system_error&) {
    over();
  }
}

void SlowWatch::LookAtAll() {
  const SteadyTime now = core_.clock().Now();
  if (!FindAgain(now)) return;
  core_.topics().ForEach([&](const Topic& topic) {
    for (const ListedListener& listener : topic.ListListeners()) {
      if (listener.stats.deliveries.running == 0) continue;
      for (Seen& seen : seen_) {
        const Frame& frame = *seen.call.frame;
        if (!frame.Calls(listener.place)) continue;
        if (RunningCall::Of(frame, core_.topics()) != seen.call) continue;
        Judge(seen, topic, listener, now);
      }
    }
  });
}

// What runs now, with what is known of it from the look before; whether there is any of that.
bool SlowWatch::FindAgain(SteadyTime now) {
  std::vector<Seen> seen;
  bool again = false;
  Frame::ForEach([&](const Frame& frame) {
    if (!frame.calls() || frame.core() != &core_) return;
    const RunningCall call = RunningCall::Of(frame, core_.topics());
    const auto before = std::find_if(seen_.begin(), seen_.end(),
                                     [&](const Seen& other) { return other.call == call; });
    const bool known = before != seen_.end();
    seen.push_back(known ? *before : Seen{call, now});
    again = again || known;
  });
  seen_.swap(seen);
  return again;
}

// A run of several events has stayed the same, but another one of them may be handled.
void SlowWatch::Judge(Seen& seen, const Topic& topic, const ListedListener& listener,
                      SteadyTime now) {
  if (listener.started != seen.started) {
    seen = {.call = seen.call, .since = now, .started = listener.started};
    return;
  }
  if (seen.told || now - seen.since < slow_after_) return;
  seen.told = true;
  const std::int64_t thread = seen.call.frame->thread().thread_id.load(std::memory_order_relaxed);
  core_.telling().OfSlowListener(topic, {.listener = listener.stats.name,
                                         .listener_id = listener.stats.id,
                                         .event_type = topic.type(),
                                         .thread = thread,
                                         .running_for = now - seen.since});
}

}  // namespace belfry
