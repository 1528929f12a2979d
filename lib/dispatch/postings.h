// An event on its way into mailboxes.
#pragma once

#include <cstddef>
#include <memory>

#include "absl/container/inlined_vector.h"

#include "belfry/publish_result.h"
#include "dispatch/mailbox_listeners.h"

namespace belfry {

class DispatcherCore;
class Outcomes;

// One publish's mail for all listeners that have mailboxes: prepared, then reserved, then given,
// then finished. What has come no further than to be reserved is given back at the end.
//
// Thread safety: the publisher's thread.
class Postings {
 public:
  explicit Postings(DispatcherCore& core) : core_(core) {}
  ~Postings();
  Postings(const Postings&) = delete;
  Postings& operator=(const Postings&) = delete;

  // Mail for those of the list who have none yet. Calls user code. Throws std::bad_alloc.
  void Prepare(const std::shared_ptr<const MailboxListeners::List>& listeners, const void* event,
               std::size_t bytes);
  // For one listener that had it before: where a newer one waits with its key, that stays.
  // `first`: before all that waits, and where there is no room, too.
  void PrepareAgain(std::shared_ptr<MailboxListener> listener, const Topic& topic,
                    const void* event, std::size_t bytes, bool first);
  // Whether somebody would lose it.
  bool any_dropped() const;

  // A place in every mailbox, or none.
  QueueRefusal Reserve();
  void GiveBack();
  // Tells of those who have no place for it now.
  void RecordRefusers(Outcomes& outcomes) const;
  // Those who have come since, if they have room and there is memory: who comes during a publish
  // may be left out.
  void AdmitLate(const std::shared_ptr<const MailboxListeners::List>& listeners,
                 Publication& publication);

  // Under the topic's mutex. False when the list is not the one that was prepared for.
  bool IsFor(const std::shared_ptr<const MailboxListeners::List>& listeners) const {
    return listeners_ == listeners;
  }
  // Whether anybody was offered it.
  bool Give(Publication& publication);

  // --- Then, under no lock ---
  // Before any code of users runs.
  void PostTurns();
  // Ends and tells what came of it.
  void Finish(Publication& publication);

 private:
  struct Posting {
    std::shared_ptr<MailboxListener> listener;
    Mail* mail;          // until it is given or recycled
    bool tried = false;  // to reserve
    bool reserved = false;
    bool dropped = false;          // the event is, for this listener
    Mail* dropped_mail = nullptr;  // for the event
    const Topic* lost = nullptr;   // of it, or of others that went for it: to be told
    MailGiven given{};
  };

  static bool Lossy(const Posting& posting);
  bool Try(Posting& posting, QueueRefusal& refusal);
  static void End(Posting& posting, Outcomes* outcomes);

  DispatcherCore& core_;
  std::shared_ptr<const MailboxListeners::List> listeners_;
  // A type with more such listeners than this costs an allocation for each event.
  absl::InlinedVector<Posting, 8> postings_;
};

}  // namespace belfry
