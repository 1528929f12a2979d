// Deliveries that wait, and go on.

#include <utility>

#include "belfry/check.h"
#include "dispatch/attempt.h"
#include "dispatch/mailbox_listener.h"
#include "dispatch/topic.h"
#include "dispatch/turns.h"

namespace belfry {

void MailboxListener::Wake(void* mail, std::uint64_t ticket) {
  if (core_->forked()) return;
  Mail& woken = *static_cast<Mail*>(mail);
  Runnable* turn = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (woken.ticket != ticket || !suspensions_.Wake(woken)) return;
    turn = TakeTurn();
  }
  if (traits_.executor == nullptr) {
    Turns& turns = core_->turns();
    turns.Run([&] { turns.PushDue(shared_from_this()); });
  } else if (turn != nullptr) {
    Post(*turn);
  }
}

std::size_t MailboxListener::SeeWaiting(WaitingMails& seen) const {
  const sync::Lock lock(mutex_);
  return suspensions_.See(seen);
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
