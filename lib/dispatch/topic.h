// One event type in one dispatcher: its listeners, its counters, its memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "belfry/event_type.h"
#include "belfry/stats.h"
#include "dispatch/dead_letter_box.h"
#include "dispatch/inline_listeners.h"
#include "dispatch/mailbox_listeners.h"
#include "dispatch/postings.h"
#include "dispatch/publication.h"
#include "dispatch/queued_listeners.h"
#include "dispatch/rate_limit.h"
#include "dispatch/site_count.h"
#include "dispatch/turn_order.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread. One mutex guards whatever changes the listeners; publishing takes it
// only where the two kinds of listeners meet, or an event is more than bytes.
class Topic {
 public:
  Topic(DispatcherCore& core, EventType type, bool of_library);

  DispatcherCore& core() const { return core_; }
  EventType type() const { return type_; }
  bool of_library() const { return of_library_; }             // its events cause no further ones
  bool intercepted() const { return intercepted_; }           // its publishes are
  bool watched() const { return intercepted_ || observed_; }  // none goes a short way
  PublicationPool& pool() { return pool_; }
  Topic* older() const { return older_; }
  void SetOlder(Topic* older) { older_ = older; }  // made before it; before anybody knows this one
  RateLimit& orphans_told() { return orphans_told_; }
  RateLimit& refusals_told() { return refusals_told_; }
  SiteCount& site_count() { return site_count_; }
  InlineListeners& inline_listeners() { return inline_; }
  QueuedListeners& queued_listeners() { return queued_; }
  MailboxListeners& mailbox_listeners() { return mailboxes_; }
  // Of both kinds that have queues: the first one with a higher id; null when there is none.
  std::shared_ptr<ListenerWithQueue> NextAfter(ListenerId id) const;
  // A synchronous dispatcher's: the next one in order. Begins again when the order has changed.
  std::shared_ptr<ListenerWithQueue> Next(TurnCursor& cursor) const;
  // Those among whom there may be an order, under the mutex. Returns how many changes there were.
  template <class Visit>
  std::uint64_t ForEachInOrder(bool synchronous, Visit visit) const {
    const sync::Lock lock(mutex_);
    if (!synchronous) inline_.roll().ForEach(visit);
    if (synchronous) queued_.ForEach(visit);
    if (synchronous) mailboxes_.ForEach(visit);
    return changes_;
  }

  // All kinds of listeners as they are at one moment.
  struct ListenerSet {
    InlineSet inlined;
    bool queued = false;
    bool takes_context = false;
    std::shared_ptr<const MailboxListeners::List> mailboxes{};
  };
  ListenerSet listeners() const;

  // Accepts an event for the inline listeners; false when there are queued ones by now, or some
  // that are to know the time of an event that is not timed.
  bool CommitInline(InlineSet& set, bool timed);
  // A place for an event in every queue, or none.
  QueueRefusal Reserve(EventSize size, Postings& postings);
  // What an event for all kinds was accepted for.
  struct Accepted {
    InlineSet inlined;
    QueuedListener* to_post = nullptr;  // the queued ones whose turns are to be posted
    bool orphan = false;                // all have gone meanwhile
  };
  // Of an event that has a place in every queue: from now on nothing stops it. It gets a time if
  // some are to know that by now, and goes to those who have come with mailboxes.
  // `sticky`: if it is to be kept for others; the former one then.
  Accepted Commit(Publication& publication, EventSize size, Postings& postings, bool timed,
                  SharedLetter& sticky);
  // The same for one that was published before; false when the listener it is for is gone.
  bool CommitAgain(Publication& publication, Postings& postings);
  void CountRefused();
  // Returns the former one, to go under no lock.
  SharedLetter SwapSticky(SharedLetter sticky);

  // --- Under the mutex ---
  ListenerId NextListenerId();
  // Whether events may go to the queued listeners as bytes, without the mutex.
  bool ShortWayOpen() const;
  // There are queued listeners now that were not, or none any more.
  void QueuedChanged();
  void MailboxesChanged();
  void InlineChanged();
  const SharedLetter& sticky() const;
  // How often somebody came or went.
  std::uint64_t changes() const;
  // Whether some ask for an order.
  bool ordered() const;
  void SwapTurnOrder(std::shared_ptr<const TurnOrder>& order);

  // What is queued is not delivered any more. Returns how many events.
  std::uint64_t DiscardAll();
  // From now on publishers go the long way and see that the dispatcher is closing.
  void Close();

  // Events of the listeners with queues that are subscribed now.
  std::uint64_t queued_cancelled() const;
  // Whether none of them has anything to do.
  bool quiet() const;
  // How many events they were given so far.
  std::uint64_t queued_accepted() const;
  void AddTo(Stats& stats) const;                     // the type and its listeners
  std::vector<ListedListener> ListListeners() const;  // those subscribed now
  std::vector<Site> Sites() const;                    // where these were

 private:
  std::optional<Accepted> TryCommit(Publication& publication, EventSize size, Postings& postings,
                                    bool timed, SharedLetter& sticky);
  bool TakeContext(const InlineSet& set) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  DispatcherCore& core_;
  const EventType type_;
  const bool of_library_;
  const bool intercepted_;
  const bool observed_;
  Topic* older_ = nullptr;
  PublicationPool pool_;
  RateLimit orphans_told_;
  RateLimit refusals_told_;
  SiteCount site_count_;

  mutable sync::Mutex mutex_;
  // Numbers that are this topic's to give out.
  ListenerId next_listener_ ABSL_GUARDED_BY(mutex_) = 0;
  ListenerId listeners_end_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 1;
  std::shared_ptr<const TurnOrder> turn_order_ ABSL_GUARDED_BY(mutex_);
  SharedLetter sticky_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t orphaned_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t to_both_ ABSL_GUARDED_BY(mutex_) = 0;  // events that both kinds counted
  std::uint64_t mailed_ ABSL_GUARDED_BY(mutex_) = 0;   // events that went to mailboxes
  InlineListeners inline_;
  QueuedListeners queued_;
  MailboxListeners mailboxes_;
};

}  // namespace belfry
