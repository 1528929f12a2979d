// How many passes each thread made over each topic: what the counters of inline listeners are
// derived from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sync/sync.h"

namespace belfry {

// One thread's passes over one topic with one listener set. A pass counts itself and nothing else;
// which listeners that concerns follows from the set.
//
// Thread safety: counted up by its thread; the rest is written by it under the topic's mutex, under
// which others read it.
struct alignas(32) PassCount {
  std::uint64_t set = 0;  // 0: of no topic
  std::uint64_t listeners = 0;
  sync::Atomic<std::uint64_t> passes{0};
  // There were so many passes with this set that the thread relies on the heavy barrier of who
  // changes it: it enters its passes without one of its own.
  bool settled = false;

  // Returns how many it has counted before.
  std::uint64_t CountOne() {
    const std::uint64_t before = passes.load(std::memory_order_relaxed);
    passes.store(before + 1, std::memory_order_relaxed);
    return before;
  }
};

// A thread's counts, by the number of the topic. Grows, never shrinks.
//
// Thread safety: At is its own thread's; Find any thread's.
class PassCounts {
 public:
  static constexpr std::size_t kPageSize = 128;
  static constexpr std::size_t kPages = 512;  // 65,536 topics in a process at once

  PassCounts() = default;
  ~PassCounts();
  PassCounts(const PassCounts&) = delete;
  PassCounts& operator=(const PassCounts&) = delete;

  // Null when there is no memory for it.
  PassCount* At(std::size_t topic) {
    Page* const page = pages_[topic / kPageSize].load(std::memory_order_relaxed);
    return page != nullptr ? &(*page)[topic % kPageSize] : Make(topic);
  }
  // Null when the thread never published there.
  PassCount* Find(std::size_t topic) const {
    Page* const page = pages_[topic / kPageSize].load(std::memory_order_acquire);
    return page == nullptr ? nullptr : &(*page)[topic % kPageSize];
  }

 private:
  using Page = std::array<PassCount, kPageSize>;
  PassCount* Make(std::size_t topic);

  std::array<sync::Atomic<Page*>, kPages> pages_{};
};

// A topic's number, unique among those that exist in the process; small, since given out again.
//
// Thread safety: any thread.
class TopicNumber {
 public:
  TopicNumber();  // throws std::bad_alloc
  ~TopicNumber();
  TopicNumber(const TopicNumber&) = delete;
  TopicNumber& operator=(const TopicNumber&) = delete;
  std::size_t value() const { return value_; }

 private:
  std::size_t value_;
};

}  // namespace belfry
