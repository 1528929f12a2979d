// A delivery out of a mailbox, what comes of it, and another attempt.

#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "belfry/any_event.h"
#include "dispatch/attempt.h"
#include "dispatch/frame_scope.h"
#include "dispatch/mailbox_listener.h"
#include "dispatch/redelivery.h"
#include "dispatch/topic.h"

namespace belfry {

using Outcome = DeliveryOutcome::Kind;

// The next event, not of a later turn than `last_turn`, if there is one and it may start; or
// `may_go_on`, and one that was woken.
MailboxDelivery MailboxListener::Start(std::uint64_t last_turn, bool may_go_on) {
  const SteadyTime now = traits_.expires() ? core_->clock().Now() : SteadyTime{};
  const sync::Lock lock(mutex_);
  const bool starts = may_start() && mailbox_.next()->publication->turn <= last_turn;
  if (may_go_on && suspensions_.GoesOnNext(starts)) {
    Mail& woken = suspensions_.TakeWoken();
    return {.mail = &woken, .callable = woken.suspension->callable, .goes_on = true};
  }
  if (!starts) return {};
  Mail& mail = *mailbox_.Start();
  --mail.face->counts.queued;
  ++mail.face->counts.running;
  RoomMade();
  const bool expired = traits_.expires() && now > TimeAfter(mail.since, traits_.deadline);
  CallableInUse& callable = *callables_.Use();
  if (traits_.suspends) {
    mail.ticket = ++tickets_;
    Suspensions::Begin(mail, callable, Waker(shared_from_this(), &mail, mail.ticket));
  }
  return {&mail, &callable, muted_, expired};
}

// What comes of a delivery. Ends behind it, so that what a callable publishes when it is
// destroyed is not caused by the event.
class MailboxListener::Ending {
 public:
  Ending(MailboxListener& listener, const MailboxDelivery& delivery)
      : listener_(listener), delivery_(delivery) {}
  ~Ending() {
    if (unused_) listener_.Destroy(*delivery_.callable);
    if (parked_.mail != nullptr) listener_.RetryLater(parked_);
    if (over_) listener_.EndIfOver();
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

  // --- For an attempt ---
  AttemptState Failed(const Thrown& thrown);
  std::optional<Outcome> Ended(Outcome how);
  bool Waits() {
    const sync::Lock lock(listener_.mutex_);
    return !listener_.discarding_ && listener_.suspensions_.Suspend(*delivery_.mail, woken_);
  }
  bool woken() const { return woken_; }  // one that waits has been already
  // For one that is not made. What was tried before has failed by that: it is not lost without a
  // word.
  void PassOver(Publication& publication);

 private:
  bool MayTryAgain(bool permanent) const;
  ParkedMail Park() ABSL_EXCLUSIVE_LOCKS_REQUIRED(listener_.mutex_);
  static void Count(DeliveryCounts& counts, Outcome how);

  MailboxListener& listener_;
  const MailboxDelivery delivery_;
  bool again_ = false;
  bool woken_ = false;
  bool unused_ = false;  // the callable, which was replaced
  bool over_ = false;    // the listener, maybe
  ParkedMail parked_;
};

AttemptState MailboxListener::Ending::Failed(const Thrown& thrown) {
  Mail& mail = *delivery_.mail;
  ++mail.attempts;
  again_ = MayTryAgain(thrown.permanent);
  if (!again_) {
    Redelivery(*listener_.core_)
        .KeepDeadLetter(listener_, *mail.publication, thrown.what, mail.attempts);
  }
  return {mail.attempts, !again_};
}

std::optional<Outcome> MailboxListener::Ending::Ended(Outcome how) {
  Mail& mail = *delivery_.mail;
  DeliveryCounts& counts = mail.face->counts;
  const sync::Lock lock(listener_.mutex_);
  mail.ticket = 0;
  --counts.running;
  over_ = listener_.detached_;
  unused_ = listener_.callables_.Leave(*delivery_.callable);
  if (again_ && !listener_.detached_ && !listener_.discarding_) {
    ++counts.retrying;
    parked_ = Park();
    return std::nullopt;
  }
  if (again_) how = Outcome::kCancelled;
  Count(counts, how);
  listener_.mailbox_.End(mail);
  listener_.spare_.Keep(mail);
  listener_.RoomMade();
  return how;
}

void MailboxListener::Ending::Count(DeliveryCounts& counts, Outcome how) {
  ++(how == Outcome::kHandled     ? counts.handled
     : how == Outcome::kFiltered  ? counts.filtered
     : how == Outcome::kExpired   ? counts.expired
     : how == Outcome::kCancelled ? counts.cancelled
                                  : counts.dead);
}

void MailboxListener::Ending::PassOver(Publication& publication) {
  const std::string_view why = delivery_.muted ? kMuted : "its deadline has passed";
  const unsigned attempts = delivery_.mail->attempts;
  Outcome how = delivery_.muted ? Outcome::kFiltered : Outcome::kExpired;
  DispatcherCore& core = *listener_.core_;
  if (attempts > 0) {
    how = Outcome::kFailed;
    Redelivery(core).KeepDeadLetter(listener_, publication, why, attempts);
    core.telling().OfFailure(listener_, publication.envelope(), why, {attempts, true});
  }
  if (delivery_.mail->suspension != nullptr) delivery_.mail->suspension->Clear();
  Ended(how);
  if (publication.outcomes != nullptr) {
    publication.outcomes->Record(listener_, how, why);
  }
  if (how == Outcome::kExpired) {
    core.telling().OfExpiry(listener_, *publication.topic, listener_.told_.expiries);
  }
  publication.Release();
}

bool MailboxListener::Ending::MayTryAgain(bool permanent) const {
  const MailboxTraits& traits = listener_.traits_;
  const Mail& mail = *delivery_.mail;
  if (permanent || mail.attempts >= traits.retry.attempts_max) return false;
  if (!traits.expires()) return true;
  const SteadyTime now = listener_.core_->clock().Now();
  return TimeAfter(now, traits.RetryDelay(mail.attempts)) <= TimeAfter(mail.since, traits.deadline);
}

ParkedMail MailboxListener::Ending::Park() {
  Mail& mail = *delivery_.mail;
  listener_.mailbox_.Park(mail);
  mail.ticket = ++listener_.tickets_;
  const Nanoseconds delay = listener_.traits_.RetryDelay(mail.attempts);
  const std::uint64_t seed = listener_.core_->ids().origin() ^ (listener_.id() << 32) ^ mail.ticket;
  return {&mail, mail.ticket, MailboxTraits::Shortened(delay, seed)};
}

// False: there is none, or others shall have their turn before it goes on.
bool MailboxListener::DeliverNext(Frame& frame, std::uint64_t last_turn, bool may_go_on) {
  const MailboxDelivery delivery = Start(last_turn, may_go_on);
  if (delivery.mail == nullptr) return false;
  Ending ending(*this, delivery);
  Publication& publication = *delivery.mail->publication;
  if (delivery.muted || delivery.expired) {
    ending.PassOver(publication);
    return true;
  }
  const AnyEvent any(publication.envelope().type(), publication.envelope().event());
  {
    Attempt attempt(*core_, *this, frame, &publication, ending, delivery.mail->suspension.get());
    if (delivery.goes_on) {
      attempt.GoOn();
    } else {
      attempt.Call(*delivery.callable->callable, selection_ == nullptr ? any.get() : &any);
    }
  }
  if (ending.woken() && traits_.executor == nullptr) core_->turns().PushDue(shared_from_this());
  return !ending.woken();
}

// Destroys in place what waits, and sees to it that nothing waits any more. How many there were.
std::uint64_t MailboxListener::GiveUpSuspended() {
  for (std::uint64_t count = 0;; ++count) {
    Mail* mail = nullptr;
    {
      const sync::Lock lock(mutex_);
      mail = suspensions_.TakeToGiveUp();
    }
    if (mail == nullptr) return count;
    Suspension& suspension = *mail->suspension;
    DeliveringScope delivering(*core_, *this);
    Ending ending(*this, {.mail = mail, .callable = suspension.callable, .goes_on = true});
    Attempt attempt(*core_, *this, delivering.frame(), mail->publication, ending, &suspension);
    attempt.GiveUp();
  }
}

// --- Another attempt ---

// Where nobody can call back it is tried again at once: there are only so many attempts.
void MailboxListener::RetryLater(const ParkedMail& parked) {
  try {
    if (Timers* const timers = core_->timers()) {
      const TimerId timer = timers->RunAfter(parked.delay, [weak = weak_from_this(), parked] {
        if (const auto self = weak.lock()) self->RetryNow(*parked.mail, parked.ticket);
      });
      bool waits = false;
      {
        const sync::Lock lock(mutex_);
        waits = parked.mail->ticket == parked.ticket;
        if (waits) parked.mail->timer = timer;
      }
      if (!waits) timers->Cancel(timer);
      return;
    }
  } catch (const std::bad_alloc&) {
  } catch (const std::system_error&) {
  }
  RetryNow(*parked.mail, parked.ticket);
}

void MailboxListener::RetryNow(Mail& mail, std::uint64_t ticket) {
  if (core_->forked()) return;
  if (traits_.executor == nullptr) {
    Turns& turns = core_->turns();
    turns.Run([&] {
      if (Unpark(mail, ticket)) turns.PushDue(shared_from_this());
    });
    return;
  }
  // In a frame, so that the end waits for what is posted and destroyed here.
  std::optional<FrameScope> scope;
  if (Frame* const frame = Frame::Next()) {
    scope.emplace(*frame, *core_, Entry{.inside = static_cast<Listener*>(this)});
  }
  static_cast<void>(Unpark(mail, ticket));
}

// False when it was cancelled meanwhile.
bool MailboxListener::Unpark(Mail& mail, std::uint64_t ticket) {
  Runnable* turn = nullptr;
  Mail* superseded = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (mail.ticket != ticket) return false;
    mail.ticket = 0;
    DeliveryCounts& counts = mail.face->counts;
    --counts.retrying;
    if (mailbox_.Unpark(mail)) {
      ++counts.queued;
    } else {
      superseded = &mail;
      ++counts.coalesced;
    }
    // There is a place, or one who waits with the same key has found one that he may replace.
    if (traits_.policy == Overflow::Policy::kCoalesce) RoomMade();
    turn = TakeTurn();
  }
  if (turn != nullptr) Post(*turn);
  EndUndelivered(superseded, Outcome::kCoalesced);
  if (superseded != nullptr) core_->TellQuiet();
  return true;
}

}  // namespace belfry
