// The right to end a dispatcher, one thread at a time.
#pragma once

#include <utility>

#include "belfry/clock.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread.
class ShutdownTurn {
 public:
  // Waits for it until the deadline; given back even when the thread is unwound.
  class Holder {
   public:
    Holder(ShutdownTurn& turn, SteadyTime deadline) : turn_(turn) {
      const sync::Lock lock(turn_.mutex_);
      bool in_time = true;
      while (turn_.taken_ && in_time) in_time = turn_.free_.WaitUntil(turn_.mutex_, deadline);
      mine_ = !std::exchange(turn_.taken_, true);
    }
    ~Holder() {
      if (!mine_) return;
      const sync::Lock lock(turn_.mutex_);
      turn_.taken_ = false;
      turn_.free_.NotifyAll();
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    bool mine() const { return mine_; }

   private:
    ShutdownTurn& turn_;
    bool mine_ = false;
  };

 private:
  sync::Mutex mutex_;
  sync::Condition free_;
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
