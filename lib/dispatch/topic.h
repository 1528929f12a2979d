// One event type in one dispatcher: its listeners, its counters, its memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "belfry/event_type.h"
#include "belfry/stats.h"
#include "dispatch/inline_listeners.h"
#include "dispatch/listener_table.h"
#include "dispatch/publication.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread. Lock order: a topic's mutex, then a queued listener's. Neither is held while
// an allocator or other user code runs.
class Topic {
 public:
  Topic(DispatcherCore& core, EventType type, bool of_library);

  DispatcherCore& core() const { return core_; }
  EventType type() const { return type_; }
  // Whether its events are the library's own: these cause no further ones.
  bool of_library() const { return of_library_; }
  PublicationPool& pool() { return pool_; }
  RateLimit& orphans_told() { return orphans_told_; }
  RateLimit& refusals_told() { return refusals_told_; }

  InlineListeners& inline_listeners() { return inline_; }
  // Both kinds of listeners as they are at one moment.
  struct ListenerSet {
    std::shared_ptr<const ListenerTable> queued;
    InlineListeners::Set inlined;
  };
  ListenerSet listeners() const;
  bool empty() const;

  // Throws std::bad_alloc, with nothing changed.
  void Add(const std::shared_ptr<QueuedListener>& listener);
  // Takes a listener that is gone out of the table; its counts stay.
  void Remove(const QueuedListener& listener);

  // At the end: the table is empty, even if a Remove found no memory.
  void RemoveAll();

  // Gives the publication to all the queues of its table, where places are reserved, at one point
  // of the topic's order: that is what keeps an event that one of them publishes behind this one
  // (O4). Marks whose turn must be posted. Returns how many deliveries were cancelled instead.
  std::uint32_t Commit(Publication& publication);

  // One publish, accepted with that set of inline listeners.
  void CountPublished(const InlineListeners::Set& set, bool orphaned);
  void CountRefused();

  // Adds to `stats` the type and its listeners.
  void AddTo(Stats& stats) const;
  // Those subscribed now.
  std::vector<ListedListener> ListListeners() const;

 private:
  // Replaces the table by `change` of it, tried again while others change it too, and does `also`
  // in the same step.
  template <class Change, class Also>
  void ChangeTable(Change change, Also also);

  DispatcherCore& core_;
  const EventType type_;
  const bool of_library_;
  PublicationPool pool_;
  RateLimit orphans_told_;
  RateLimit refusals_told_;
  const std::shared_ptr<const ListenerTable> empty_;

  mutable sync::Mutex mutex_;
  std::shared_ptr<const ListenerTable> table_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t orphaned_ ABSL_GUARDED_BY(mutex_) = 0;
  DeliveryCounts of_the_gone_ ABSL_GUARDED_BY(mutex_);  // queued ones
  InlineListeners inline_;
};

}  // namespace belfry
