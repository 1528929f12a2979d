#include "dispatch/work_count.h"

namespace belfry {

void WorkCount::Done(std::uint64_t count) {
  if (count == 0 || count_.fetch_sub(count, std::memory_order_seq_cst) != count) return;
  // Under the mutex, so that a waiter is either before its look at the count or already waiting.
  const sync::Lock lock(mutex_);
  none_.NotifyAll();
}

bool WorkCount::AwaitNone(std::optional<SteadyTime> deadline) {
  const sync::Lock lock(mutex_);
  while (count_.load(std::memory_order_seq_cst) != 0) {
    if (!deadline.has_value()) {
      none_.Wait(mutex_);
    } else if (!none_.WaitUntil(mutex_, *deadline)) {
      return count_.load(std::memory_order_seq_cst) == 0;
    }
  }
  return true;
}

}  // namespace belfry
