// The explorable counterpart of lib/sync/sync.h: the same interface, found before it because its
// folder comes first on the include path. On threads of an exploration's run every operation is a
// step that its scheduler knows of (explore/explorer.h); on others it does what the standard type
// does. The types live in a namespace of their own, so that objects compiled against one header do
// not link with those compiled against the other.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

#include "explore/op.h"
#include "explore/run.h"
#include "sync/atomic.h"
#include "sync/thread.h"

namespace belfry::sync {
inline namespace explored {

class ABSL_LOCKABLE Mutex {
  using Where = explore::Where;
  using Run = explore::Run;

 public:
  Mutex() { Run::Made(cell_); }
  ~Mutex() { Run::Gone(cell_); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock(Where where = Where::Here()) ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    Run* const run = Run::Current();
    if (run == nullptr) return mutex_.lock();
    run->Lock(cell_, where);
    order_.load(std::memory_order_acquire);
  }
  bool TryLock(Where where = Where::Here()) ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    Run* const run = Run::Current();
    if (run == nullptr) return mutex_.try_lock();
    if (!run->TryLock(cell_, where)) return false;
    order_.load(std::memory_order_acquire);
    return true;
  }
  void Unlock(Where where = Where::Here()) ABSL_UNLOCK_FUNCTION() {
    Run* const run = Run::Current();
    if (run == nullptr) return mutex_.unlock();
    order_.store(0, std::memory_order_release);
    run->Unlock(cell_, where);
  }
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}

 private:
  friend class Condition;
  std::mutex mutex_;
  // What a run's mutex orders, for ThreadSanitizer: the scheduler itself is hidden from it.
  std::atomic<int> order_{0};
  explore::Cell cell_;
};

class ABSL_SCOPED_LOCKABLE Lock {
 public:
  explicit Lock(Mutex& mutex, explore::Where where = explore::Where::Here())
      ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex), where_(where) {
    mutex_.Lock(where);
  }
  ~Lock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(where_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
  const explore::Where where_;
};

class Condition {
  using Where = explore::Where;
  using Run = explore::Run;
  using Deadline = std::chrono::steady_clock::time_point;

 public:
  Condition() { Run::Made(cell_); }
  ~Condition() { Run::Gone(cell_); }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void Wait(Mutex& mutex, Where where = Where::Here()) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    WaitFor(mutex, nullptr, where);
  }
  bool WaitUntil(Mutex& mutex, Deadline deadline, Where where = Where::Here())
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return WaitFor(mutex, &deadline, where);
  }
  void NotifyOne(Where where = Where::Here()) {
    Run* const run = Run::Current();
    if (run == nullptr) return condition_.notify_one();
    run->Notify(cell_, /*all=*/false, where);
  }
  void NotifyAll(Where where = Where::Here()) {
    Run* const run = Run::Current();
    if (run == nullptr) return condition_.notify_all();
    run->Notify(cell_, /*all=*/true, where);
  }

 private:
  bool WaitFor(Mutex& mutex, const Deadline* deadline, Where where);

  std::condition_variable condition_;
  explore::Cell cell_;
};

// In a loop that looks again for a while and then does something else: either another thread gets
// its turn, or the loop comes to its end.
void Pause(unsigned times = 1, explore::Where where = explore::Where::Here());
// In a loop without an end of its own: another thread gets its turn.
void Yield(explore::Where where = explore::Where::Here());

// The store buffers of all threads are empty after it.
bool HeavyBarrier(explore::Where where = explore::Where::Here());
// Few, so that a short scenario gets there.
inline constexpr std::uint64_t kHeavyBarrierPays = 0;

// Stands still in a run, except that a wait ends with its time.
std::chrono::steady_clock::time_point Now();

}  // namespace explored
}  // namespace belfry::sync
