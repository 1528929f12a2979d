// Which deliveries of one listener wait, and which of these may go on.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "belfry/event_id.h"
#include "belfry/wait_text.h"
#include "dispatch/linked_list.h"
#include "dispatch/mailbox.h"
#include "dispatch/suspension.h"

namespace belfry {

class Topic;

// One of them, as others see it.
struct WaitingMail {
  const Topic* topic = nullptr;  // its event's type's
  EventId event{};
  WaitText waits_for{};
};
using WaitingMails = std::array<WaitingMail, 16>;

// Thread safety: its listener's mutex. Runs no code of users and never allocates.
class Suspensions {
 public:
  // A delivery that may be suspended starts.
  static void Begin(Mail& mail, CallableInUse& callable, Waker waker) {
    mail.suspension->phase = Phase::kRuns;
    mail.suspension->waker = std::move(waker);
    mail.suspension->callable = &callable;
  }
  // One that runs waits from now on; `woken` if it was already. False: it may not wait any more.
  bool Suspend(Mail& mail, bool& woken);
  // Whether it waits for a turn from now on.
  bool Wake(Mail& mail);
  // Whether one that was woken is to go on now, rather than one start: by turns, so that neither
  // waits for ever.
  bool GoesOnNext(bool may_start);
  // The next that was woken, out of it.
  Mail& TakeWoken();
  bool any_woken() const { return !woken_.empty(); }
  // The first ones that wait, for something or a turn. How many that are.
  std::size_t See(WaitingMails& seen) const;
  // One that waits, out of it, and none will wait any more; null: there is none left.
  Mail* TakeToGiveUp();

 private:
  using Phase = Suspension::Phase;

  LinkedList<Mail, &Mail::by_age> waiting_;
  LinkedList<Mail, &Mail::in_turn> woken_;  // of those
  bool started_last_ = false;
  bool given_up_ = false;
};

}  // namespace belfry
