// What is counted of one plugin.
#pragma once

#include <cstdint>
#include <set>

#include "belfry/clock.h"
#include "sync/sync.h"

namespace belfry {

// Calls, which each listener counts for itself: one that is called by one thread at a time needs no
// locked operation for it.
// Thread safety: any thread.
class CallCount {
 public:
  // A listener's. What it has counted stays when it goes.
  class Own {
   public:
    explicit Own(CallCount& all) : all_(all) {
      const sync::Lock lock(all_.mutex_);
      all_.own_.insert(this);
    }
    ~Own() {
      const sync::Lock lock(all_.mutex_);
      all_.own_.erase(this);
      all_.of_others_ += count_.load(std::memory_order_relaxed);
    }
    Own(const Own&) = delete;
    Own& operator=(const Own&) = delete;

    // Both return how many there were before.
    std::uint64_t Add() { return count_.fetch_add(1, std::memory_order_relaxed); }
    std::uint64_t AddAlone() {  // by one thread at a time
      const std::uint64_t before = count_.load(std::memory_order_relaxed);
      count_.store(before + 1, std::memory_order_relaxed);
      return before;
    }

   private:
    friend class CallCount;
    CallCount& all_;
    sync::Atomic<std::uint64_t> count_{0};
  };

  std::uint64_t sum() const {
    const sync::Lock lock(mutex_);
    std::uint64_t sum = of_others_;
    for (const Own* const own : own_) sum += own->count_.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  mutable sync::Mutex mutex_;
  std::set<const Own*> own_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t of_others_ ABSL_GUARDED_BY(mutex_) = 0;  // that are gone
};

struct PluginCounts {
  CallCount delivered;
  sync::Atomic<std::uint64_t> failed{0};
  sync::Atomic<std::uint64_t> refused{0};
  sync::Atomic<std::uint64_t> published{0};
  sync::Atomic<std::uint64_t> timed{0};
  sync::Atomic<Nanoseconds::rep> timed_for{0};
};

}  // namespace belfry
