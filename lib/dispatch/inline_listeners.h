// The inline listeners of one event type: those that run inside a publish, on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/listener_body.h"
#include "dispatch/frame.h"
#include "dispatch/listener.h"
#include "dispatch/pass_counts.h"
#include "sync/sync.h"

namespace belfry {

class InlineListeners;

// One inline listener. Used again when it is gone and its subscription too, so that subscribing
// allocates nothing in the long run.
//
// Thread safety: any thread; what has no atomic is guarded by its topic's mutex.
class InlineListener final : public Listener {
 public:
  explicit InlineListener(Topic& topic) : Listener(topic) {}
  ~InlineListener() = default;

  void Detach() override;
  ResetResult Reset() override;
  DeliveryCounts counts() const override;

 private:
  friend class InlineListeners;
  enum class State { kLive, kDying, kEnding, kGone };

  State state = State::kGone;
  bool has_handle = false;
  InlineGroup* group = nullptr;
  unsigned index = 0;
  std::uint64_t born = 0;           // the first listener set that it is in
  std::uint64_t passes_before = 0;  // over its topic, with earlier listener sets
  sync::Atomic<std::uint64_t> failed{0};
  // Among the live ones, the younger and the older; among the dying or the spare, the next.
  InlineListener* younger = nullptr;
  InlineListener* older = nullptr;
};

// Listeners whose callables have one type, side by side in cells, so that one loop with the call
// inlined runs them all. A cell is used again; a pass knows by `changes` that something happened
// since it came, and by the cell's `born` whom it may call.
//
// Thread safety: read by passes; changed under the topic's mutex.
struct alignas(64) InlineGroup {
  static constexpr unsigned kCellsMax = 64;

  struct Member {
    sync::Atomic<std::uint64_t> born{0};
    sync::Atomic<InlineListener*> listener{nullptr};
  };

  // What a pass reads comes first, in one line.
  ListenerOperations::CallAll call_all = nullptr;
  std::byte* cells = nullptr;
  sync::Atomic<InlineGroup*> next{nullptr};
  sync::Atomic<std::uint64_t> live{0};     // a bit for each cell whose listener is to be called
  sync::Atomic<std::uint64_t> changes{0};  // of `live`
  sync::Atomic<std::uint64_t> newest{0};   // the highest `born`
  std::uint64_t taken = 0;                 // cells that hold a callable, or will in a moment
  unsigned capacity = 0;
  Member* members = nullptr;
  const ListenerOperations* operations = nullptr;

  // Room for `capacity` cells. Throws std::bad_alloc.
  static InlineGroup* Make(const ListenerOperations& operations, unsigned capacity);
  static void Delete(InlineGroup* group);

  bool full() const { return static_cast<unsigned>(__builtin_popcountll(taken)) == capacity; }
  void* Cell(unsigned index) const { return cells + index * operations->size; }
  unsigned IndexOf(const void* cell) const {
    return static_cast<unsigned>(
        static_cast<std::size_t>(static_cast<const std::byte*>(cell) - cells) / operations->size);
  }
  InlineListener* ListenerIn(const void* cell) const {
    return members[IndexOf(cell)].listener.load(std::memory_order_acquire);
  }
  // Those of `listeners` that the listener set `version` has.
  std::uint64_t BornUntil(std::uint64_t version, std::uint64_t listeners) const;
};

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
  // The listener set, as a word: its version above, what kinds of listeners it has below.
  static constexpr std::uint64_t kHasQueued = 1;
  static constexpr std::uint64_t kTakesContext = 2;
  static constexpr std::uint64_t kVersion = 4;
  struct Set {
    std::uint64_t word;
    std::uint64_t listeners;  // how many
  };
  static std::uint64_t VersionOf(std::uint64_t set) { return set & ~(kVersion - 1); }

  // A look from outside, for who then finds out what is so.
  bool may_be_queued() const { return (set_.load(std::memory_order_relaxed) & kHasQueued) != 0; }
  // Whether there are listeners, all of them inline, that take the event and nothing else.
  static bool OnlyPlain(const Set& set) {
    return (set.word & (kHasQueued | kTakesContext)) == 0 && set.listeners != 0;
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
  Set set() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return {set_.load(std::memory_order_seq_cst), live_};
  }
  void CountPass(const Set& set) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls the listeners of the frame's version; the caller has counted the pass, and so many
  // listeners.
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
  void SetQueued(bool has_queued) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- Counting ---
  DeliveryCounts counts(const InlineListener& listener) const;
  DeliveryCounts LockedCounts(const InlineListener& listener) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of all listeners, those that are gone included, and how many passes there were.
  struct Totals {
    std::uint64_t passes = 0;
    DeliveryCounts deliveries{};
  };
  Totals totals() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Those subscribed now.
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
  void Attribute(std::uint64_t passes, const Set& set) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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

  sync::Atomic<std::uint64_t> set_{kVersion};
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
  // Passes that threads have counted with earlier listener sets, and deliveries in them.
  std::size_t handles_ ABSL_GUARDED_BY(mutex_) = 0;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;  // the dispatcher is
  // A subscription may outlive the dispatcher: until both are over this keeps it.
  std::shared_ptr<DispatcherCore> keeps_core_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t passes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t offered_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace belfry
