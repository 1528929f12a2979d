// The inline listeners of one event type by age, and what is counted of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dispatch/inline_listener.h"
#include "dispatch/inline_set.h"
#include "dispatch/pass_counts.h"
#include "sync/sync.h"

namespace belfry {

// What is common is derived: a pass counts itself, in its own thread's count for the topic, and
// which listeners that concerns follows from the listener set and their ages. Only what is an
// exception is counted where it happens.
//
// Thread safety: any thread, and under the topic's mutex where it says so.
class InlineRoll {
 public:
  InlineRoll(Topic& topic, sync::Mutex& mutex) : topic_(topic), mutex_(mutex) {}
  ~InlineRoll();
  InlineRoll(const InlineRoll&) = delete;
  InlineRoll& operator=(const InlineRoll&) = delete;

  // The topic's number in PassCounts.
  std::size_t number() const { return number_.value(); }

  // --- Exceptions, where they happen ---
  void CountFailed(InlineListener& listener);
  void CountFiltered(InlineListener& listener);
  // So many of a pass's listeners were reset before their turn.
  void CountUncalled(std::uint64_t listeners) {
    uncalled_.fetch_add(listeners, std::memory_order_relaxed);
  }

  // --- Under the mutex ---
  // It is in the listener sets from `born` on.
  void Enter(InlineListener& listener, std::uint64_t born);
  void Leave(InlineListener& listener);
  std::size_t live() const {
    mutex_.AssertHeld();
    return live_;
  }
  InlineListener* youngest() const {
    mutex_.AssertHeld();
    return youngest_;
  }
  template <class Visit>
  void ForEach(Visit visit) const {
    mutex_.AssertHeld();
    for (const InlineListener* one = youngest_; one != nullptr; one = one->older_) visit(*one);
  }
  // Whether some other thread may be in a pass, or come to one with an old listener set, without
  // that it could be seen: all are known to see the set `seen_by_all`, or a newer one.
  bool MayHideAPass(std::uint64_t seen_by_all) const;
  // Takes over what a thread has counted; from now on it counts passes with the set `word`.
  void HandIn(PassCount& count, std::uint64_t word);
  // A pass that nobody else counts.
  void CountPass(const InlineSet& set);
  DeliveryCounts CountsOf(const InlineListener& listener) const;
  // Of all listeners, those that are gone included, and how many passes there were.
  struct Totals {
    std::uint64_t passes = 0;
    DeliveryCounts deliveries{};
  };
  Totals totals() const;

  // Takes the mutex itself. Throws std::bad_alloc.
  std::vector<ListedListener> List() const;

 private:
  void Attribute(std::uint64_t passes, const InlineSet& set);
  template <class Visit>
  void ForEachCount(Visit visit) const;

  Topic& topic_;
  sync::Mutex& mutex_;
  const TopicNumber number_;
  sync::Atomic<std::uint64_t> uncalled_{0};
  sync::Atomic<std::uint64_t> failed_{0};
  sync::Atomic<std::uint64_t> filtered_{0};
  std::size_t live_ ABSL_GUARDED_BY(mutex_) = 0;
  InlineListener* youngest_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Passes that were counted with earlier listener sets, and the deliveries in them.
  std::uint64_t passes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t offered_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace belfry
