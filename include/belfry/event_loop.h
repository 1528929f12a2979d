// A loop over epoll: descriptors, timers and posted work, on one thread.
//
//   belfry::EventLoop loop;
//   loop.RunAfter(std::chrono::milliseconds(1), [&] { loop.Stop(); });
//   loop.Run();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "belfry/clock.h"
#include "belfry/event_loop_options.h"
#include "belfry/executor.h"
#include "belfry/export.h"
#include "belfry/posted_closure.h"
#include "belfry/timer_entry.h"
#include "belfry/timer_queue.h"
#include "belfry/watch.h"

namespace belfry {

// One thread's loop. Level-triggered.
//
// Thread safety: Post, Stop and in_loop_thread from any thread. Everything else belongs to the
// loop's thread: the one in Run or RunOnce, elsewhere it aborts; between runs it becomes the
// thread that uses it next, so one may prepare the loop, another run it and a third clear up, one
// after the other.
// Order: of one turn: ready descriptors as the system reports them, then due timers by deadline
// in milliseconds, in the same one in the order in which they were armed (but see Timer), then
// posted work, first in, first out; work posted meanwhile waits for the next turn. A turn runs 256
// pieces of it at most, so that descriptors and timers have their turn in a flood. Last what was
// put off to the turn's end.
// Blocking: Run only. Work that runs here must not wait.
// Lifetime: outlives whatever watches, posts or arms. The destructor runs posted work that is left.
// Clock: with another clock than the real one nobody tells the loop that it was moved, so while
// timers are armed it looks at it every 10 ms.
// Errors: the constructor throws std::system_error when the system refuses a descriptor.
class BELFRY_EXPORT EventLoop final : public Executor {
 public:
  explicit EventLoop(const Clock& clock = Clock::Real());
  explicit EventLoop(EventLoopOptions options);
  ~EventLoop() override;

  // Runs until Stop. What a callback throws passes through; the loop may be run again.
  void Run();
  // One turn: what is ready now, waiting at most `wait` for something to become ready.
  void RunOnce(Nanoseconds wait = {});
  // Lets Run return after the turn it is in. A Stop before Run makes that return after one turn.
  void Stop();

  void Post(Runnable& work) override;
  // Runs `work()` once, later, on the loop's thread, and destroys it there; it may be movable only.
  // What it throws ends the program. A closure of less than 1 KiB whose move does not throw lies in
  // memory that is used again, so that in the long run nothing is allocated. The loop keeps 256 KiB
  // of that; what a burst took beyond is freed in the turn that runs it.
  // Errors: throws std::bad_alloc, or what copying `work` throws; then nothing was posted.
  template <Postable F>
  void Post(F&& work) {
    WithClosure(std::forward<F>(work),
                [this](const ClosureKind& kind, void* closure) { PostClosure(kind, closure); });
  }
  bool may_block() const override { return false; }

  // Calls `ready` whenever `fd` is ready for `interest`. The descriptor stays its owner's: Unwatch
  // before closing it. Errors: throws std::system_error (EPERM: a regular file; EEXIST; ENOMEM).
  WatchId Watch(int fd, Interest interest, std::function<void(Readiness)> ready);
  // The same with one that outlives the watch.
  WatchId Watch(int fd, Interest interest, Watcher& watcher);
  void SetInterest(WatchId watch, Interest interest);
  // No call after this, not even for readiness already fetched. A stale id is ignored.
  void Unwatch(WatchId watch);
  // Whom a watch tells; null for a stale id and for callables.
  Watcher* FindWatcher(WatchId watch) const;

  // Runs `work` once: at the end of this turn, or, between turns, before the next one waits. What
  // it throws passes through. Work that asks for it again is run again, before the loop waits.
  void RunAtTurnEnd(Runnable& work);
  // Whether something that the loop called is running.
  bool in_turn() const;

  // What `timer.h` is for, without an object to be a member of. `delay` counts from now, not from
  // the turn's time; else as TimerQueue, at the precision and in the order of a Timer.
  TimerId RunAfter(Nanoseconds delay, std::function<void()> callback);
  TimerId RunEvery(Nanoseconds period, std::function<void()> callback,
                   std::uint64_t repetitions = TimerQueue::kForever);
  bool Cancel(TimerId timer);

  // When the next turn has something to do, as far as the loop knows without asking the system: now
  // if something was posted or put off, else when the first timer is due, or a while before. None:
  // when a descriptor is ready.
  std::optional<SteadyTime> next_due() const;

  // The time of this turn, as the clock said when it was first asked for after the wait. Outside of
  // a turn, what the clock says.
  SteadyTime turn_time();
  // The same in milliseconds, the lower half of them, for who notes the time of every message.
  std::uint32_t turn_milliseconds() {
    return turn_tick_.known ? turn_tick_.milliseconds : ReadTurnMilliseconds();
  }

  bool in_loop_thread() const;
  const Clock& clock() const;

 private:
  friend class LoopGroup;
  friend class Stream;
  friend class Timer;
  class Impl;

  void ArmTimer(TimerEntry& timer, Nanoseconds delay);
  void CancelTimer(TimerEntry& timer);
  std::uint32_t ReadTurnMilliseconds();
  void PostClosure(const ClosureKind& kind, void* closure);
  bool RunLeft();

  TurnTick turn_tick_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
