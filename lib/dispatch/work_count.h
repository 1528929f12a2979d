// How much is under way in a dispatcher: publishes that have begun, deliveries that have not ended.
#pragma once

#include <cstdint>
#include <optional>

#include "belfry/clock.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread.
class WorkCount {
 public:
  void Add(std::uint64_t count) { count_.fetch_add(count, std::memory_order_seq_cst); }
  void Done(std::uint64_t count);
  // Waits until nothing is under way; false at the deadline.
  bool AwaitNone(std::optional<SteadyTime> deadline);

  // One publish, from its first step to its last.
  class Publishing {
   public:
    explicit Publishing(WorkCount& work) : work_(work) { work_.Add(1); }
    ~Publishing() { work_.Done(1); }
    Publishing(const Publishing&) = delete;
    Publishing& operator=(const Publishing&) = delete;

   private:
    WorkCount& work_;
  };

 private:
  sync::Atomic<std::uint64_t> count_{0};
  sync::Mutex mutex_;
  sync::Condition none_;
};

}  // namespace belfry
