// The inline listeners of one event type: those that run inside a publish, on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "belfry/listener_body.h"
#include "dispatch/frame.h"
#include "dispatch/inline_order.h"
#include "dispatch/inline_remains.h"
#include "dispatch/inline_roll.h"
#include "dispatch/inline_set.h"
#include "sync/sync.h"

namespace belfry {

class Newcomer;

// Every change makes a new version of the listener set, in one word that a pass reads once. Passes
// take no lock and write nothing that they share.
//
// Thread safety: any thread. Lock order: the topic's mutex before nothing. No user code runs under
// it: a callable is moved and destroyed outside, unless that is a matter of bytes.
class InlineListeners {
 public:
  InlineListeners(Topic& topic, sync::Mutex& mutex)
      : topic_(topic), mutex_(mutex), roll_(topic, mutex) {}
  ~InlineListeners();

  // --- A pass: inline_pass.cc ---
  // A look from outside, for who then finds out what is so.
  bool may_be_queued() const {
    return InlineSet{set_.load(std::memory_order_relaxed), 0}.has_queued();
  }
  // The first group; known before the pass enters, since it never goes.
  InlineGroup* first() const { return first_.load(std::memory_order_acquire); }
  // Inside of the topic: whether the count, the calling thread's, is one of the listener set as it
  // is now; else CountNewSet, outside, makes it so.
  bool IsCurrent(const PassCount& count) const {
    return count.set == set_.load(std::memory_order_seq_cst);
  }
  void CountNewSet(PassCount& count);
  void Settle(PassCount& count);
  // The set, for somebody who already holds the mutex, and counts himself.
  InlineSet set() const {
    mutex_.AssertHeld();
    return {set_.load(std::memory_order_relaxed), roll_.live()};
  }
  // Calls the listeners of the frame's version; the caller has counted so many, and the pass.
  void Run(Frame& frame, const InlineSet& set, const void* event);
  void RunHere(Frame& frame, InlineGroup* first, const void* event, std::uint64_t offered);
  void RunInOrder(Frame& frame, const void* event, std::uint64_t offered);
  InlineRoll& roll() { return roll_; }
  const InlineRoll& roll() const { return roll_; }

  // --- Who listens: inline_listeners.cc ---
  // Null when the dispatcher is closed, or there is no place for it. Throws std::bad_alloc, and
  // what the callable's move throws, with nothing changed.
  InlineListener* Add(CallableHandle callable, Newcomer& newcomer);
  // The same for a new callable in the place of the listener's.
  ReplaceResult Replace(InlineListener& listener, CallableHandle callable);
  void SetMuted(InlineListener& listener, bool muted);
  bool ordered() const { return orders_.any(); }  // this and the next under the mutex
  void SetQueued(bool has_queued);
  void SetClosed();

  // --- Their end: inline_endings.cc ---
  // For its subscription, which refers to it no more then.
  void Detach(InlineListener& listener);
  void Finish(InlineListener& caller);  // by its own delivery; its subscription stays
  ResetResult Reset(InlineListener& listener);
  void DetachAll();  // at the end of the dispatcher

 private:
  friend class InlinePass;
  using State = InlineListener::State;
  using Remains = InlineRemains;
  template <class Call>
  void Pass(Frame& frame, InlineGroup* group, std::uint64_t offered, Call call);
  template <class Call>
  void PassInOrder(Frame& frame, std::uint64_t offered, Call call);
  std::uint64_t ComeTo(InlineGroup& group, std::uint64_t cells, Frame& frame,
                       std::uint64_t& missing);
  void EndPass(Frame& frame, std::uint64_t missing);
  std::uint64_t Chosen(Frame& frame, InlineGroup& group, std::uint64_t live,
                       std::uint64_t& missing);
  void CallGroup(Frame& frame, InlineGroup& group, std::uint64_t listeners, const void* event);
  void Filter(Frame& frame, InlineListener& listener, std::string_view why);
  void Fail(Frame& frame, std::string_view what);
  // After a call: one of the pass's listeners may have been reset meanwhile.
  void LeftCells(std::uint64_t version) {
    sync::LightBarrier();
    if (dying_since_.load(std::memory_order_relaxed) > version) Reap();
  }

  template <class Listed>
  InlineListener* Put(CallableHandle callable, InlineOrdering& ordering, Listed listed);
  InlineListener* Claim(const ListenerOperations& operations) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom(const ListenerOperations& operations);
  void Occupy(InlineListener& listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Swap(InlineListener& listener, InlineListener& former) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::uint64_t NextVersion() const {
    return InlineSet::VersionOf(set_.load(std::memory_order_relaxed)) + InlineSet::kVersion;
  }
  void BeginVersion(std::memory_order order) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  enum class Left { kGone, kEnding, kDying, kHidden };
  Left Remove(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Left Leave(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ResetResult Await(InlineListener& listener, Left left);
  ResetResult AwaitGone(InlineListener& listener);
  bool Deserted(const Place& place, std::uint64_t since, bool sure) const;
  bool AwaitPassing(const InlineListener& listener) const;
  void LetGo(InlineListener& listener, Left left);
  void Reap();
  void End(InlineListener& listener);
  void FreeCell(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RetireSurplus(Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Retire(InlineGroup& group, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Recycle(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeSpare(InlineListener& listener, Remains& remains) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Topic& topic_;
  sync::Mutex& mutex_;
  sync::Atomic<std::uint64_t> set_{InlineSet::kVersion};
  sync::Atomic<InlineGroup*> first_{nullptr};
  // The listener set since which the latest dying listener is not in it; 0 when none is dying.
  sync::Atomic<std::uint64_t> dying_since_{0};
  InlineRoll roll_;
  InlineOrders orders_;
  // Every thread's next pass sees this listener set, or a newer one.
  std::uint64_t seen_by_all_ ABSL_GUARDED_BY(mutex_) = 0;
  sync::Condition ended_;
  bool has_queued_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t with_context_ ABSL_GUARDED_BY(mutex_) = 0;
  InlineListener* dying_ ABSL_GUARDED_BY(mutex_) = nullptr;
  InlineGroup* retired_ ABSL_GUARDED_BY(mutex_) = nullptr;  // groups that passes may still be at
  std::size_t empty_ ABSL_GUARDED_BY(mutex_) = 0;           // groups, but for the first
  InlineListener* spare_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::size_t in_use_ ABSL_GUARDED_BY(mutex_) = 0;  // listeners that are not spare
  bool over_ ABSL_GUARDED_BY(mutex_) = false;       // the dispatcher is
  // A subscription may outlive the dispatcher: until both are over this keeps it.
  std::shared_ptr<DispatcherCore> keeps_core_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
