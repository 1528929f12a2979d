// A loop over epoll: descriptors, timers and posted work, on one thread.
//
//   belfry::EventLoop loop;
//   loop.RunAfter(std::chrono::milliseconds(1), [&] { loop.Stop(); });
//   loop.Run();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "belfry/clock.h"
#include "belfry/event_loop_options.h"
#include "belfry/executor.h"
#include "belfry/export.h"
#include "belfry/posted_closure.h"
#include "belfry/timer_queue.h"

namespace belfry {

// What a watch wants to hear of. Errors and hang-ups are always reported; with kNone only once.
enum class Interest : std::uint8_t { kNone = 0, kReadable = 1, kWritable = 2, kBoth = 3 };

// What a descriptor is ready for.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // the peer has closed both ways, or its sending way
  bool error = false;
  friend bool operator==(Readiness, Readiness) = default;
};

// Names one watch of one loop: a slot and the generation of its use, so that a late readiness of a
// descriptor that was closed and opened again never reaches the new one.
struct WatchId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0: none
  explicit operator bool() const { return generation != 0; }
  friend bool operator==(WatchId, WatchId) = default;
};

// Whoever watches one descriptor without a callable of its own; it has at most one watch at a time.
class BELFRY_EXPORT Watcher {
 public:
  virtual void OnReady(Readiness readiness) = 0;

 protected:
  Watcher() = default;
  ~Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  int watched() const { return fd_; }  // the descriptor; -1: none
  Interest interest() const { return wanted_; }

 private:
  friend class WatchTable;
  int fd_ = -1;
  Interest wanted_ = Interest::kNone;
  Interest told_ = Interest::kNone;  // what epoll knows
  bool callable_ = false;            // is the table's own
};

// One thread's loop. Level-triggered.
//
// Thread safety: Post, Stop and in_loop_thread from any thread. Everything else belongs to the
// loop's thread: the one in Run or RunOnce, elsewhere it aborts; between runs it becomes the
// thread that uses it next, so one may prepare the loop, another run it and a third clear up, one
// after the other.
// Order: of one turn: ready descriptors as the system reports them, then due timers by deadline,
// then posted work, first in, first out; work posted meanwhile waits for the next turn. A turn runs
// 256 pieces of it at most, so that descriptors and timers have their turn in a flood. Last what
// was put off to the turn's end.
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

  // Timers; see TimerQueue.
  TimerId RunAfter(Nanoseconds delay, std::function<void()> callback);
  TimerId RunEvery(Nanoseconds period, std::function<void()> callback,
                   std::uint64_t repetitions = TimerQueue::kForever);
  bool Cancel(TimerId timer);

  bool in_loop_thread() const;
  const Clock& clock() const;

 private:
  friend class LoopGroup;
  class Impl;

  void PostClosure(const ClosureKind& kind, void* closure);
  bool RunLeft();

  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
