// What others want of a loop: that it runs posted work, and that it stops.
#pragma once

#include <cstddef>

#include "belfry/executor.h"
#include "belfry/posted_closure.h"
#include "loop/closure_memory.h"
#include "loop/loop_pulse.h"
#include "sync/sync.h"
#include "sys/unique_fd.h"

namespace belfry {

// Runnables and closures in one queue, in the order in which they came, and an eventfd that ends
// the sleep of the loop. It is written only while the loop sleeps, and once.
//
// A closure is built in place, in a chunk of memory that is used again when all in it have run.
// That is done under the lock if it means to copy bytes; all others are built between two locks,
// since no user's code runs under it.
//
// Thread safety: Push, PushClosure and Stop on any thread; the rest belongs to the loop's.
class PostedWork {
 public:
  PostedWork();  // throws std::system_error
  // Waits for those who still write the eventfd. Nothing is posted and not run.
  ~PostedWork();
  PostedWork(const PostedWork&) = delete;
  PostedWork& operator=(const PostedWork&) = delete;

  void Push(Runnable& work);
  // Moves from `closure`. Throws std::bad_alloc, and then nothing has happened.
  void PushClosure(const ClosureKind& kind, void* closure);
  void Stop();

  // False if there is something to do. Otherwise whoever posts or stops, from here on to Awake,
  // writes the eventfd.
  //
  // The loop says that it sleeps and then looks for work; who posts says that there is work and
  // then looks whether the loop sleeps. So one of them sees the other, and the loop takes no lock.
  bool FallAsleep() {
    if (!batch_.empty()) return false;
    asleep_.store(true, std::memory_order_seq_cst);
    if (!posted_.load(std::memory_order_seq_cst) && !stop_.load(std::memory_order_seq_cst)) {
      return true;
    }
    Awake();
    return false;
  }
  void Awake() {
    if (asleep_.load(std::memory_order_relaxed)) asleep_.store(false, std::memory_order_relaxed);
  }
  int wakeup_fd() const { return wakeup_.get(); }
  void Woken() { woken_ = true; }
  // Reads the eventfd if it was written. After the work, which has waited long enough.
  void DrainWakeup() {
    if (woken_) ReadWakeup();
  }
  bool TakeStop() { return stop_.load(std::memory_order_relaxed) && stop_.exchange(false); }

  bool has_work() const { return !batch_.empty() || posted_.load(std::memory_order_relaxed); }

  // Whether the last share looks like a part of more, that another thread is posting now. Then the
  // loop does not sleep, but gives it a moment, if nobody else is ready.
  bool more_is_coming() const { return more_is_coming_; }
  void LetMoreCome() const;

  // Runs what was posted when it was called, and not more of it than a turn's share. False if there
  // was nothing.
  bool RunShare(LoopPulse& pulse) {
    more_is_coming_ = false;
    return has_work() && RunTaken(pulse);
  }

 private:
  void* Place(const ClosureKind& kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TryPushBytes(const ClosureKind& kind, void* closure);
  bool TryPushBuilt(const ClosureKind& kind, void* closure);
  bool Enqueue(Runnable& work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MustWake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wake();
  void AddChunk();
  bool RunTaken(LoopPulse& pulse);
  void Take();
  void UseAgain();
  void ReadWakeup();

  const sys::UniqueFd wakeup_;

  // The loop's.
  RunnableQueue batch_;   // taken, and not run yet
  ClosureChunks filled_;  // with closures that were taken, or will be
  bool more_is_coming_ = false;
  bool woken_ = false;  // the eventfd is to be read

  // What the loop and those who post change, in one cache line: for a share of work it goes to the
  // loop and back once. asleep_, posted_ and stop_: see FallAsleep.
  alignas(64) sync::Mutex mutex_;
  RunnableQueue queue_ ABSL_GUARDED_BY(mutex_);
  sync::Atomic<bool> asleep_{false};  // in a wait, or on its way into one
  sync::Atomic<bool> posted_{false};  // queue_ is not empty
  sync::Atomic<bool> stop_{false};

  // What they change now and then.
  alignas(64) ClosureChunk* filling_ ABSL_GUARDED_BY(mutex_) = nullptr;
  ClosureChunks just_filled_ ABSL_GUARDED_BY(mutex_);
  ClosureChunks spare_ ABSL_GUARDED_BY(mutex_);
  sync::Atomic<std::size_t> to_write_{0};  // how many are about to write the eventfd
};

}  // namespace belfry
