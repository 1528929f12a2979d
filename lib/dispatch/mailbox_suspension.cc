// Deliveries that wait, and go on.

#include <utility>

#include "belfry/check.h"
#include "dispatch/attempt.h"
#include "dispatch/mailbox_listener.h"
#include "dispatch/topic.h"
#include "dispatch/turns.h"
#include "event/ambient.h"

namespace belfry {

using SuspensionPhase = Suspension::Phase;

// A delivery that may be suspended starts.
void MailboxListener::Begin(Mail& mail, CallableInUse& callable) {
  mail.ticket = ++tickets_;
  Suspension& suspension = *mail.suspension;
  suspension.phase = SuspensionPhase::kRuns;
  suspension.waker = Waker(shared_from_this(), &mail, mail.ticket);
  suspension.callable = &callable;
}

// One that has been woken goes on.
MailboxDelivery MailboxListener::StartWoken() {
  Mail& mail = *woken_.PopFront();
  suspended_.Remove(mail);
  mail.suspension->phase = SuspensionPhase::kRuns;
  return {.mail = &mail, .callable = mail.suspension->callable, .goes_on = true};
}

// A delivery that runs waits from now on; `woken` if it was already. False: it may not wait.
bool MailboxListener::Suspend(Mail& mail, bool& woken) {
  const sync::Lock lock(mutex_);
  if (given_up_ || discarding_) return false;
  suspended_.PushBack(mail);
  woken = mail.suspension->phase == SuspensionPhase::kRunsAgain;
  mail.suspension->phase = woken ? SuspensionPhase::kWoken : SuspensionPhase::kWaits;
  if (woken) woken_.PushBack(mail);
  return true;
}

bool MailboxListener::any_woken() const {
  const sync::Lock lock(mutex_);
  return !woken_.empty();
}

void MailboxListener::Wake(void* woken, std::uint64_t ticket) {
  if (core_->forked()) return;
  Mail& mail = *static_cast<Mail*>(woken);
  Runnable* turn = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (mail.ticket != ticket) return;
    Suspension& suspension = *mail.suspension;
    if (suspension.phase == SuspensionPhase::kRuns) suspension.phase = SuspensionPhase::kRunsAgain;
    if (suspension.phase != SuspensionPhase::kWaits) return;
    suspension.phase = SuspensionPhase::kWoken;
    woken_.PushBack(mail);
    turn = TakeTurn();
  }
  if (traits_.executor == nullptr) {
    Turns& turns = core_->turns();
    turns.Run([&] { turns.PushDue(shared_from_this()); });
  } else if (turn != nullptr) {
    Post(*turn);
  }
}

// Destroys in place what waits, and sees to it that nothing waits any more. How many there were.
std::uint64_t MailboxListener::GiveUpSuspended() {
  std::uint64_t count = 0;
  for (;; ++count) {
    MailboxDelivery delivery;
    {
      const sync::Lock lock(mutex_);
      given_up_ = true;
      Mail* const mail = suspended_.PopFront();
      if (mail == nullptr) return count;
      Suspension& suspension = *mail->suspension;
      if (std::exchange(suspension.phase, SuspensionPhase::kRuns) == SuspensionPhase::kWoken)
        woken_.Remove(*mail);
      delivery = {.mail = mail, .callable = suspension.callable, .goes_on = true};
    }
    GiveUp(delivery);
  }
}

Failure BeginSuspendable(std::unique_ptr<SuspendedDelivery> delivery) {
  Suspension* const suspension = Frame::Innermost()->suspension;
  BELFRY_CHECK(suspension != nullptr, "a coroutine was returned where a delivery cannot wait");
  BELFRY_CHECK(suspension->rest == nullptr,
               "a delivery was begun again, by an interceptor, that has not ended");
  std::optional<Failure> failure = delivery->GoOn(suspension->waker);
  if (failure.has_value()) return *std::move(failure);
  suspension->rest = std::move(delivery);
  return {};
}

}  // namespace belfry
