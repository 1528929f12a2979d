// The queued listeners of one event type, and what becomes of an event that has no room with one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "belfry/clock.h"
#include "belfry/publish_result.h"
#include "dispatch/event_log.h"
#include "dispatch/queued_listener.h"
#include "sync/sync.h"

namespace belfry {

class Newcomer;
class Topic;

// An event is given to all of them by one entry in their log. Most are appended without a lock;
// those that are more than bytes, or that not all listeners get from the log alone, under the
// topic's mutex, after places have been reserved.
//
// Thread safety: any thread. No user code, allocator or executor runs under the mutex.
class QueuedListeners {
 public:
  QueuedListeners(Topic& topic, sync::Mutex& mutex);

  // --- The short way: an event of bytes ---
  // Whether it was appended; if not, it has to go the long way.
  bool TryAppend(EventHandle event, const Cause* cause);
  // After what the topic's ShortWayOpen depends on has changed.
  void UpdateShortWay();

  // --- The long way ---
  // Reserves a place in every queue, or none.
  QueueRefusal Reserve(EventSize size);
  void GiveBack(EventSize size);
  // Tells of those who have no place for it now.
  void RecordRefusers(EventSize size, Outcomes& outcomes) const;
  // Waits until Reserve is worth another try; false at the deadline.
  bool AwaitRoom(const QueuedListener& listener, EventSize size, SteadyTime deadline);
  // Fills what was reserved. Returns those whose turn is to be posted, linked.
  QueuedListener* Commit(Publication& publication, EventSize size);
  static void PostTurns(QueuedListener* first);

  // --- Who listens ---
  // Names it, too. False when the dispatcher is closed, or there is no place for it. Throws
  // std::bad_alloc, with nothing changed.
  bool Add(const std::shared_ptr<QueuedListener>& listener, Newcomer& newcomer);
  // Whether the caller is to end it.
  bool Remove(QueuedListener& listener);
  void Gone(QueuedListener& listener);
  bool IsGone(const QueuedListener& listener) const;
  // Swaps in the callable that is to take over; false when the listener is detached.
  bool SetNext(QueuedListener& listener, std::unique_ptr<Callable>& callable);
  // Null when there is none.
  std::unique_ptr<Callable> TakeNext(QueuedListener& listener);
  // Whether there is none any more: then those who wait for that are told.
  bool Replaced(QueuedListener& listener);
  void AwaitReplaced(const QueuedListener& listener);
  void AwaitGone(const QueuedListener& listener);
  void DetachAll();  // at the end of the dispatcher
  bool empty() const {
    mutex_.AssertHeld();
    return listeners_.empty();
  }
  template <class Visit>
  void ForEach(Visit visit) const {
    mutex_.AssertHeld();
    for (const auto& listener : listeners_) visit(*listener);
  }
  bool any_takes_context() const {
    mutex_.AssertHeld();
    return with_context_ > 0;
  }
  // A copy, in order of subscription. Throws std::bad_alloc.
  std::vector<std::shared_ptr<QueuedListener>> List() const;
  // The first one with a higher id; null when there is none.
  std::shared_ptr<QueuedListener> NextAfter(ListenerId id) const;

  // --- Their own ---
  std::uint64_t tail() const { return log_.tail(); }
  void Leave(LogPage& page);
  Publication* TakeOldest(QueuedListener& listener);
  // Whether somebody waits for room, and has not been told.
  const sync::Atomic<bool>& waiting() const { return waiting_; }
  // After a place became free.
  void RoomMade() {
    sync::LightBarrier();
    if (waiting_.load(std::memory_order_relaxed)) TellRoom();
  }
  // After a turn: true when there is nothing left to do for it, and its next turn will be posted
  // by who publishes.
  bool GoneIdle(QueuedListener& listener);

  // --- Counting ---
  // Whether nothing is queued and nobody runs or is about to.
  bool quiet() const;
  DeliveryCounts counts(const QueuedListener& listener) const;
  // How many events of those who are subscribed now; under the mutex.
  std::uint64_t cancelled() const;
  // Of all of them, those that are gone included.
  DeliveryCounts totals() const;

 private:
  void Enlist(const std::shared_ptr<QueuedListener>& listener)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool GiveWay();
  bool MoveBound();
  void UpdateBound() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::uint64_t EventsMax(const QueuedListener& listener, EventSize size) const;
  enum class Room { kYes, kNo, kNever };
  Room RoomOf(const QueuedListener& listener, EventSize size) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MakeSpare();
  QueuedListener* TakeIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeIdle();
  void TellRoom();
  void GiveBackPages(LogPage* first);

  Topic& topic_;
  sync::Mutex& mutex_;
  const std::size_t event_size_;
  EventLog log_;
  // How many turns are not posted. Changed under the mutex.
  alignas(64) sync::Atomic<std::uint64_t> idle_{0};
  sync::Atomic<bool> waiting_{false};
  sync::Condition room_made_;
  sync::Condition ended_;

  // In order of subscription.
  std::vector<std::shared_ptr<QueuedListener>> listeners_ ABSL_GUARDED_BY(mutex_);
  std::size_t with_context_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t reserved_events_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t reserved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of all events that were ever committed
  DeliveryCounts of_the_gone_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
