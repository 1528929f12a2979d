// Events that are kept when their deliveries have ended, and given to one listener once more.
#pragma once

#include <memory>
#include <string_view>

#include "belfry/publish_result.h"
#include "dispatch/dead_letter_box.h"

namespace belfry {

class DispatcherCore;
class MailboxListener;
class Publication;

// Thread safety: any thread, under no lock.
class Redelivery {
 public:
  explicit Redelivery(DispatcherCore& core) : core_(core) {}

  // Whoever holds it keeps the event. Throws std::bad_alloc.
  std::shared_ptr<const void> KeepEvent(Publication& publication);

  // If the listener keeps them.
  void KeepDeadLetter(MailboxListener& listener, Publication& publication, std::string_view what,
                      unsigned attempts);
  PublishResult RetryDeadLetter(DeadLetterBox::Taken& taken, MailboxListener& listener);

  // Throws std::bad_alloc.
  SharedLetter MakeSticky(Publication& publication);
  // Lets the listener begin, with the sticky event if there is one. Throws std::bad_alloc: it is
  // detached then.
  void GiveSticky(const SharedLetter& sticky, MailboxListener& listener);

 private:
  PublishResult Deliver(const SharedLetter& letter, MailboxListener& listener,
                        DeadLetterBox::Taken* taken);
  PublishResult DeliverNow(SharedLetter letter, MailboxListener& listener,
                           DeadLetterBox::Taken* taken);
  DispatcherCore& core_;
};

}  // namespace belfry
