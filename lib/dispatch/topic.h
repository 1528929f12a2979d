// One event type in one dispatcher: its listeners, its counters, its memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "belfry/event_type.h"
#include "belfry/stats.h"
#include "dispatch/inline_listeners.h"
#include "dispatch/publication.h"
#include "dispatch/queued_listeners.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread. One mutex guards whatever changes the listeners; publishing takes it
// only where the two kinds of listeners meet, or an event is more than bytes.
class Topic {
 public:
  Topic(DispatcherCore& core, EventType type, bool of_library);

  DispatcherCore& core() const { return core_; }
  EventType type() const { return type_; }
  // Whether its events are the library's own: these cause no further ones.
  bool of_library() const { return of_library_; }
  PublicationPool& pool() { return pool_; }
  // The one made before it; set once, before anybody else knows this one.
  Topic* older() const { return older_; }
  void SetOlder(Topic* older) { older_ = older; }
  RateLimit& orphans_told() { return orphans_told_; }
  RateLimit& refusals_told() { return refusals_told_; }
  InlineListeners& inline_listeners() { return inline_; }
  QueuedListeners& queued_listeners() { return queued_; }

  // Both kinds of listeners as they are at one moment.
  struct ListenerSet {
    InlineSet inlined;
    bool queued = false;
    bool takes_context = false;
  };
  ListenerSet listeners() const;

  // Accepts an event for the inline listeners; false when there are queued ones by now, or some
  // that are to know the time of an event that is not timed.
  bool CommitInline(InlineSet& set, bool timed);
  // What an event for both kinds was accepted for.
  struct Accepted {
    InlineSet inlined;
    QueuedListener* to_post = nullptr;  // the queued ones whose turns are to be posted
    bool orphan = false;                // all have gone meanwhile
  };
  // Nothing when some are to know the time of an event that is not timed.
  std::optional<Accepted> CommitQueued(Publication& publication, QueuedListeners::Size size,
                                       bool timed);
  void CountRefused();

  // --- Under the mutex ---
  ListenerId NextListenerId();
  // Whether events may go to the queued listeners as bytes, without the mutex.
  bool ShortWayOpen() const;
  // There are queued listeners now that were not, or none any more.
  void QueuedChanged();
  void InlineChanged();

  // From now on publishers go the long way and see that the dispatcher is closing.
  void Close();

  // Events of the queued listeners that are subscribed now.
  std::uint64_t queued_cancelled() const;
  // Adds to `stats` the type and its listeners.
  void AddTo(Stats& stats) const;
  // Those subscribed now.
  std::vector<ListedListener> ListListeners() const;

 private:
  DispatcherCore& core_;
  const EventType type_;
  const bool of_library_;
  Topic* older_ = nullptr;
  PublicationPool pool_;
  RateLimit orphans_told_;
  RateLimit refusals_told_;

  mutable sync::Mutex mutex_;
  // Numbers that are this topic's to give out.
  ListenerId next_listener_ ABSL_GUARDED_BY(mutex_) = 0;
  ListenerId listeners_end_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t orphaned_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t to_both_ ABSL_GUARDED_BY(mutex_) = 0;  // events that both kinds counted
  InlineListeners inline_;
  QueuedListeners queued_;
};

}  // namespace belfry
