// The listeners of one event type that have mailboxes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dispatch/dead_letter_box.h"
#include "dispatch/mailbox_listener.h"
#include "sync/sync.h"

namespace belfry {

class Newcomer;
class Topic;

// Thread safety: any thread. No user code or allocator runs under the mutex, which is the topic's.
class MailboxListeners {
 public:
  // In order of subscription; those that are for several types, when these came to this one. One
  // that is detached may still be in it.
  struct Entry {
    std::shared_ptr<MailboxListener> listener;
    MailboxFace* face;
  };
  using List = std::vector<Entry>;

  MailboxListeners(Topic& topic, sync::Mutex& mutex) : topic_(topic), mutex_(mutex) {}

  // Names it, too. False when the dispatcher is closed, or there is no place for it. Throws
  // std::bad_alloc, with nothing changed.
  // `sticky`: the last one that was published before.
  bool Add(const std::shared_ptr<MailboxListener>& listener, Newcomer& newcomer,
           SharedLetter& sticky);
  // Of those that are for several types. Throws std::bad_alloc, if the topic is new with nothing
  // changed.
  void AddGuests(const std::vector<MailboxListener*>& guests);
  void RemoveGuest();  // which is detached; the next one who comes or goes takes it out of the list
  // Whether it was not detached yet: then the caller is to end it.
  bool Remove(MailboxListener& listener);
  void Gone(const DeliveryCounts& counts);
  ReplacedCallable Swap(MailboxListener& listener, std::unique_ptr<CallableInUse>& next);
  void DetachAll();  // at the end of the dispatcher

  std::shared_ptr<const List> list() const;
  // The first one with a higher id; null when there is none.
  std::shared_ptr<MailboxListener> NextAfter(ListenerId id, bool guests_only = false) const;
  bool quiet() const;
  Lingering& lingering() { return lingering_; }  // those at home here

  // --- Under the mutex ---
  bool empty() const {
    mutex_.AssertHeld();
    return live_ == 0;
  }
  template <class Visit>
  void ForEach(Visit visit) const {
    mutex_.AssertHeld();
    if (list_ == nullptr) return;
    for (const Entry& entry : *list_) {
      if (!IsGuest(entry) && !entry.listener->detached()) visit(*entry.listener);
    }
  }
  bool any_takes_context() const {
    mutex_.AssertHeld();
    return with_context_ > 0;
  }
  // Null when there has never been one. Changed whenever somebody comes.
  const std::shared_ptr<const List>& current() const {
    mutex_.AssertHeld();
    return list_;
  }
  // Of all of them, those that are gone included.
  DeliveryCounts totals() const;
  // Of those who are subscribed now.
  std::uint64_t cancelled() const;
  // Whether it is subscribed to several types, this one among them.
  bool IsGuest(const Entry& entry) const { return &entry.listener->topic() != &topic_; }

 private:
  Topic& topic_;
  sync::Mutex& mutex_;
  std::shared_ptr<const List> list_ ABSL_GUARDED_BY(mutex_);
  std::size_t live_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t with_context_ ABSL_GUARDED_BY(mutex_) = 0;  // of those
  DeliveryCounts of_the_gone_ ABSL_GUARDED_BY(mutex_);
  Lingering lingering_;
};

}  // namespace belfry
