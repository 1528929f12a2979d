// The one seam to the machine's synchronisation: the standard types in the product, so that tests
// may compile the same sources against explorable ones. Nothing in lib/ names std::mutex,
// std::atomic or std::condition_variable but this file.
//
// No absl::Mutex: ThreadSanitizer reports false races with Debian's uninstrumented Abseil.
// No atomic_thread_fence: ThreadSanitizer does not see it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "absl/base/thread_annotations.h"

#include "belfry/atomic.h"

namespace belfry::sync {

using Thread = std::thread;

// A std::mutex that clang's -Wthread-safety can follow.
class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mutex_.try_lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}

 private:
  friend class Condition;
  std::mutex mutex_;
};

// Holds a mutex for a block.
class ABSL_SCOPED_LOCKABLE Lock {
 public:
  explicit Lock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~Lock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable for Mutex. Waits may end without a reason: wait in a loop on a predicate.
class Condition {
 public:
  void Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Borrowed borrowed(mutex);
    condition_.wait(borrowed.lock);
  }
  // False when the deadline has passed.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Borrowed borrowed(mutex);
    return condition_.wait_until(borrowed.lock, deadline) == std::cv_status::no_timeout;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  // The caller's lock, as the standard wants it; the caller's again at the end, also when the
  // waiting thread is cancelled.
  struct Borrowed {
    explicit Borrowed(Mutex& mutex) : lock(mutex.mutex_, std::adopt_lock) {}
    ~Borrowed() { lock.release(); }
    std::unique_lock<std::mutex> lock;
  };

  std::condition_variable condition_;
};

// The steady clock's time.
inline std::chrono::steady_clock::time_point Now() { return std::chrono::steady_clock::now(); }

// In a loop that waits for another thread's next few instructions.
inline void Pause(unsigned times = 1) {
  for (unsigned i = 0; i < times; ++i) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
}
// Fetches the cache line of `address`, to be written soon: without it the next atomic operation
// waits until a line that another processor has written is here.
inline void PrefetchToWrite(const void* address) {
#if defined(__x86_64__)
  // GCC's builtin fetches it for reading, unless it is told of the processor.
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}
// In a loop that waits for longer than that.
inline void Yield() { std::this_thread::yield(); }

// Orders the calling thread's stores before its later loads, and those of every other thread that
// is running likewise, at that moment: the dear half of a handshake whose other half is then free
// (Linux's membarrier). False where the system has none: then nothing was ordered.
bool HeavyBarrier();
// Of so many light halves (LightBarrier) one heavy barrier is worth it: what they save, it costs, a
// microsecond or a few.
inline constexpr std::uint64_t kHeavyBarrierPays = 1024;

}  // namespace belfry::sync
