// Deliveries that wait, and go on.

#include <utility>

#include "belfry/check.h"
#include "dispatch/attempt.h"
#include "dispatch/mailbox_listener.h"
#include "dispatch/topic.h"
#include "dispatch/turns.h"

namespace belfry {

void MailboxListener::Wake(void* woken, std::uint64_t ticket) {
  if (core_->forked()) return;
  Mail& mail = *static_cast<Mail*>(woken);
  Runnable* turn = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (mail.ticket != ticket || !suspensions_.Wake(mail)) return;
    turn = TakeTurn();
  }
  if (traits_.executor == nullptr) {
    Turns& turns = core_->turns();
    turns.Run([&] { turns.PushDue(shared_from_this()); });
  } else if (turn != nullptr) {
    Post(*turn);
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
