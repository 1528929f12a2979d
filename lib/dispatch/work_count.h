// How much is under way in a dispatcher: calls that have begun, deliveries that have not ended.
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
  bool none() const { return count_.load(std::memory_order_seq_cst) == 0; }
  // Waits until nothing is under way; false at the deadline.
  bool AwaitNone(std::optional<SteadyTime> deadline);

  // One publish or subscribe, from its first step to its last: the end waits for it.
  class UnderWay {
   public:
    explicit UnderWay(WorkCount& work) : work_(work) { work_.Add(1); }
    ~UnderWay() { work_.Done(1); }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

   private:
    WorkCount& work_;
  };

 private:
  sync::Atomic<std::uint64_t> count_{0};
  sync::Mutex mutex_;
  sync::Condition none_;
};

}  // namespace belfry
