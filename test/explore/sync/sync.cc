#include "sync/sync.h"

#include <thread>

namespace belfry::sync {
inline namespace explored {

bool Condition::WaitFor(Mutex& mutex, const Deadline* deadline, Where where) {
  if (Run* const run = Run::Current(); run != nullptr) {
    mutex.order_.store(0, std::memory_order_release);
    const bool in_time = run->Wait(cell_, mutex.cell_, deadline, where);
    mutex.order_.load(std::memory_order_acquire);
    return in_time;
  }
  std::unique_lock lock(mutex.mutex_, std::adopt_lock);
  bool in_time = true;
  if (deadline == nullptr) {
    condition_.wait(lock);
  } else {
    in_time = condition_.wait_until(lock, *deadline) == std::cv_status::no_timeout;
  }
  lock.release();
  return in_time;
}

void Yield(explore::Where where) {
  explore::Run* const run = explore::Run::Current();
  if (run == nullptr) return std::this_thread::yield();
  run->Yield(where);
}

void Pause(unsigned /*times*/, explore::Where where) {
  if (explore::Run* const run = explore::Run::Current(); run != nullptr) run->Pause(where);
}

bool HeavyBarrier(explore::Where where) {
  if (explore::Run* const run = explore::Run::Current(); run != nullptr) run->HeavyBarrier(where);
  return true;
}

std::chrono::steady_clock::time_point Now() {
  const explore::Run* const run = explore::Run::Current();
  return run == nullptr ? std::chrono::steady_clock::now() : run->now();
}

}  // namespace explored
}  // namespace belfry::sync
