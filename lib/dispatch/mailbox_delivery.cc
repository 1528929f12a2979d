// A delivery out of a mailbox, what comes of it, and another attempt.

#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "dispatch/attempt.h"
#include "dispatch/frame_scope.h"
#include "dispatch/mailbox_listener.h"
#include "dispatch/topic.h"

namespace belfry {

using Outcome = DeliveryOutcome::Kind;

// The next event, not of a later turn than `last_turn`, if there is one and it may start.
MailboxDelivery MailboxListener::Start(std::uint64_t last_turn) {
  const SteadyTime now = traits_.expires() ? core_->clock().Now() : SteadyTime{};
  const sync::Lock lock(mutex_);
  if (!may_start() || mailbox_.next()->publication->turn > last_turn) return {};
  Mail& mail = *mailbox_.Start();
  RoomMade();
  const bool expired = traits_.expires() && now > TimeAfter(mail.since, traits_.deadline);
  return {&mail, callables_.Use(), muted_, expired};
}

// Behind the delivery, so that what a callable publishes when it is destroyed is not caused by the
// event.
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

  AttemptState Failed(const Thrown& thrown) {
    Mail& mail = *delivery_.mail;
    ++mail.attempts;
    again_ = listener_.MayTryAgain(mail, thrown.permanent);
    if (!again_ && listener_.traits_.dead_letters) {
      listener_.core_->KeepDeadLetter(listener_, *mail.publication, thrown.what, mail.attempts);
    }
    return {mail.attempts, !again_};
  }

  std::optional<Outcome> Ended(Outcome how) {
    Mail& mail = *delivery_.mail;
    const sync::Lock lock(listener_.mutex_);
    over_ = listener_.detached_;
    unused_ = listener_.callables_.Leave(*delivery_.callable);
    if (again_ && !listener_.detached_ && !listener_.discarding_) {
      parked_ = listener_.Park(mail);
      return std::nullopt;
    }
    if (again_) how = Outcome::kCancelled;
    listener_.mailbox_.End(mail);
    listener_.spare_.Keep(mail);
    listener_.CountEnded(how);
    listener_.RoomMade();
    return how;
  }

 private:
  MailboxListener& listener_;
  const MailboxDelivery delivery_;
  bool again_ = false;
  bool unused_ = false;  // the callable, which was replaced
  bool over_ = false;    // the listener, maybe
  ParkedMail parked_;
};

bool MailboxListener::DeliverNext(Frame& frame, std::uint64_t last_turn) {
  const MailboxDelivery delivery = Start(last_turn);
  if (delivery.mail == nullptr) return false;
  Ending ending(*this, delivery);
  Publication& publication = *delivery.mail->publication;
  if (delivery.muted || delivery.expired) {
    PassOver(delivery, publication, ending);
    return true;
  }
  Attempt attempt(*core_, *this, frame, &publication, ending);
  attempt.Call(*delivery.callable->callable, publication.envelope().event());
  return true;
}

// What was tried before has failed by that: it is not lost without a word.
void MailboxListener::PassOver(const MailboxDelivery& delivery, Publication& publication,
                               Ending& ending) {
  const std::string_view why = delivery.muted ? "the listener is muted" : "its deadline has passed";
  const bool failed = delivery.mail->attempts > 0;
  const Outcome how = failed           ? Outcome::kFailed
                      : delivery.muted ? Outcome::kFiltered
                                       : Outcome::kExpired;
  if (failed) FailedForGood(publication, why, delivery.mail->attempts);
  ending.Ended(how);
  if (publication.outcomes != nullptr) publication.outcomes->Record(*this, how, failed ? why : "");
  publication.Release();
  if (how == Outcome::kExpired) core_->telling().OfExpiry(*this, expiries_told_);
}

// It will not be tried again after so many attempts.
void MailboxListener::FailedForGood(Publication& publication, std::string_view why,
                                    unsigned attempts) {
  if (traits_.dead_letters) core_->KeepDeadLetter(*this, publication, why, attempts);
  core_->telling().OfFailure(*this, publication.envelope(), why, {attempts, true});
}

void MailboxListener::CountEnded(Outcome how) {
  ++(how == Outcome::kHandled     ? counts_.handled
     : how == Outcome::kFiltered  ? counts_.filtered
     : how == Outcome::kExpired   ? counts_.expired
     : how == Outcome::kCancelled ? counts_.cancelled
                                  : counts_.dead);
}

// --- Another attempt ---

bool MailboxListener::MayTryAgain(const Mail& mail, bool permanent) const {
  if (permanent || mail.attempts >= traits_.retry.attempts_max) return false;
  if (!traits_.expires()) return true;
  const SteadyTime next = TimeAfter(core_->clock().Now(), traits_.RetryDelay(mail.attempts));
  return next <= TimeAfter(mail.since, traits_.deadline);
}

ParkedMail MailboxListener::Park(Mail& mail) {
  mailbox_.Park(mail);
  mail.ticket = ++tickets_;
  const Nanoseconds delay = traits_.RetryDelay(mail.attempts);
  return {&mail, mail.ticket,
          MailboxTraits::Shortened(delay, core_->ids().origin() ^ (id() << 32) ^ mail.ticket)};
}

// Where nobody can call back it is tried again at once: there are only so many attempts.
void MailboxListener::RetryLater(const ParkedMail& parked) {
  try {
    if (Timers* const timers = core_->timers()) {
      const TimerId timer = timers->RunAfter(parked.delay, [weak = weak_from_this(), parked] {
        if (const auto self = weak.lock()) self->RetryNow(*parked.mail, parked.ticket);
      });
      const sync::Lock lock(mutex_);
      if (parked.mail->ticket == parked.ticket) parked.mail->timer = timer;
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
    if (!mailbox_.Unpark(mail)) {
      superseded = &mail;
      ++counts_.coalesced;
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
