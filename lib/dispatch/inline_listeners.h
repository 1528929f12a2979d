// The inline listeners of one event type: those that run inside a publish, on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/listener_body.h"
#include "dispatch/frame.h"
#include "dispatch/inline_group.h"
#include "dispatch/inline_listener.h"
#include "dispatch/inline_set.h"
#include "dispatch/pass_counts.h"
#include "sync/sync.h"

namespace belfry {

// Every change makes a new version of the listener set, in one word that a pass reads once. Passes
// take no lock and write nothing that they share.
//
// Thread safety: any thread. Lock order: the topic's mutex before nothing. No user code runs under
// it: a callable is moved and destroyed outside, unless that is a matter of bytes.
class InlineListeners {
 public:
  InlineListeners(Topic& topic, sync::Mutex& mutex) : topic_(topic), mutex_(mutex) {}
  ~InlineListeners();

  // --- A pass ---
  // A look from outside, for who then finds out what is so.
  bool may_be_queued() const {
    return InlineSet{set_.load(std::memory_order_relaxed), 0}.has_queued();
  }
  // The first group; known before the pass enters, since it never goes.
  InlineGroup* first() const { return first_.load(std::memory_order_acquire); }
  // Brings the calling thread's count, found in its record, up to the listener set as it is now.
  // Inside of the topic.
  void Refresh(PassCount& count) {
    if (count.set != set_.load(std::memory_order_seq_cst)) CountNewSet(count);
  }
  std::size_t number() const { return number_.value(); }
  // The same for somebody who already holds the mutex, and counts himself.
  InlineSet set() const {
    mutex_.AssertHeld();
    return {set_.load(std::memory_order_seq_cst), live_};
  }
  void CountPass(const InlineSet& set);
  // Calls the listeners of the frame's version; the caller has counted so many, and the pass.
  void Run(Frame& frame, const void* event, std::uint64_t listeners);
  void RunHere(Frame& frame, InlineGroup* first, const void* event, std::uint64_t listeners);

  // --- Who listens ---
  // Null when the dispatcher is closed. Throws std::bad_alloc, and what the callable's move throws,
  // with nothing changed.
  InlineListener* Add(CallableHandle callable, std::string name, Site site);
  // For its subscription, which refers to it no more then.
  void Detach(InlineListener& listener);
  ResetResult Reset(InlineListener& listener);
  // At the end of the dispatcher.
  void DetachAll();
  void SetQueued(bool has_queued);

  // --- Counting ---
  DeliveryCounts counts(const InlineListener& listener) const;
  DeliveryCounts LockedCounts(const InlineListener& listener) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of all listeners, those that are gone included, and how many passes there were.
  struct Totals {
    std::uint64_t passes = 0;
    DeliveryCounts deliveries{};
  };
  Totals totals() const;
  std::vector<ListedListener> List() const;

 private:
  friend class InlinePass;
  void CallGroup(Frame& frame, InlineGroup& group, std::uint64_t listeners, const void* event);
  static std::uint64_t Later(const Frame& frame);
  InlineListener& CountFailed(const Frame& frame);
  void Fail(Frame& frame, std::string_view what);
  // After a call, when one of the pass's listeners may have been reset meanwhile.
  void LeftCells(const Frame& frame) {
    if (dying_since_.load(std::memory_order_relaxed) > frame.version) Reap();
  }

  void CountNewSet(PassCount& count);
  void Attribute(std::uint64_t passes, const InlineSet& set) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <class Visit>
  void ForEachCount(Visit visit) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static DeliveryCounts Derive(std::uint64_t offered, std::uint64_t dead, std::uint64_t cancelled,
                               std::uint64_t running);

  // What a change of the listeners leaves behind, to be destroyed under no lock.
  struct Remains {
    std::string name;
    std::unique_ptr<const std::string> made_name;
    std::shared_ptr<DispatcherCore> core;
  };
  InlineListener* Claim(const ListenerOperations& operations) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom(const ListenerOperations& operations);
  void Enlist(InlineListener& listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Delist(InlineListener& listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NextVersion() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  enum class Left { kGone, kEnding, kDying };
  Left Remove(InlineListener& listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropHandle(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Recycle(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ResetResult AwaitGone(InlineListener& listener);

  // Whether no frame can be in the listener's cell, nor come to it. Other threads' frames that are
  // in the topic leave that open, unless it is `sure` that what they did is seen here.
  bool Deserted(const InlineListener& listener, bool sure) const;
  bool AwaitPassing(const InlineListener& listener) const;
  void LetDie(InlineListener& listener);
  // Ends the dying listeners that nobody is in any more.
  void Reap();
  void End(InlineListener& listener);
  void FreeCell(InlineListener& listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Topic& topic_;
  sync::Mutex& mutex_;
  const TopicNumber number_;

  sync::Atomic<std::uint64_t> set_{InlineSet::kVersion};
  sync::Atomic<InlineGroup*> first_{nullptr};
  // The version of the latest listener set that lost a dying listener; 0 when none is dying.
  sync::Atomic<std::uint64_t> dying_since_{0};
  sync::Atomic<std::uint64_t> uncalled_{0};  // of a pass's listeners, reset before their turn
  sync::Atomic<std::uint64_t> failed_{0};
  sync::Condition ended_;

  std::size_t live_ ABSL_GUARDED_BY(mutex_) = 0;
  bool has_queued_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t with_context_ ABSL_GUARDED_BY(mutex_) = 0;
  InlineListener* youngest_ ABSL_GUARDED_BY(mutex_) = nullptr;
  InlineListener* dying_ ABSL_GUARDED_BY(mutex_) = nullptr;
  InlineListener* spare_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::size_t handles_ ABSL_GUARDED_BY(mutex_) = 0;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;  // the dispatcher is
  // A subscription may outlive the dispatcher: until both are over this keeps it.
  std::shared_ptr<DispatcherCore> keeps_core_ ABSL_GUARDED_BY(mutex_);
  // Passes that were counted with earlier listener sets, and the deliveries in them.
  std::uint64_t passes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t offered_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace belfry
