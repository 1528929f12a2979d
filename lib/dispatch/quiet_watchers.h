// Those who wait for a dispatcher to have nothing to do.
#pragma once

#include <optional>

#include "belfry/clock.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread.
class QuietWatchers {
 public:
  // One more of them, for a block.
  class Watching {
   public:
    explicit Watching(QuietWatchers& watchers) : watchers_(watchers) { ++watchers_.count_; }
    ~Watching() { --watchers_.count_; }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

   private:
    QuietWatchers& watchers_;
  };

  bool any() const { return count_.load(std::memory_order_seq_cst) != 0; }
  // That it may be so now.
  void Tell() {
    if (!any()) return;
    const sync::Lock lock(mutex_);
    told_.NotifyAll();
  }
  // Waits until `idle` says so; false at the deadline.
  template <class Idle>
  bool Await(Idle idle, std::optional<SteadyTime> deadline) {
    const sync::Lock lock(mutex_);
    while (!idle()) {
      if (!deadline.has_value()) {
        told_.Wait(mutex_);
      } else if (!told_.WaitUntil(mutex_, *deadline) && !idle()) {
        return false;
      }
    }
    return true;
  }

 private:
  sync::Atomic<unsigned> count_{0};
  sync::Mutex mutex_;
  sync::Condition told_;
};

}  // namespace belfry
