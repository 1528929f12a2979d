#include "dispatch/postings.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/outcomes.h"
#include "dispatch/publication.h"
#include "dispatch/redelivery.h"

namespace belfry {

using Code = PublishResult::Code;
using Outcome = DeliveryOutcome::Kind;

Postings::~Postings() {
  GiveBack();
  for (Posting& posting : postings_) {
    if (posting.mail != nullptr) posting.listener->Recycle(posting.mail);
    posting.listener->EndUndelivered(posting.dropped_mail, Outcome::kDropped);
  }
}

void Postings::Prepare(const std::shared_ptr<const MailboxListeners::List>& listeners,
                       const void* event, std::size_t bytes) {
  listeners_ = listeners;
  if (listeners == nullptr) return;
  const std::size_t before = postings_.size();
  postings_.reserve(before + listeners->size());
  for (const auto& [listener, face] : *listeners) {
    const bool has = std::any_of(postings_.begin(),
                                 std::next(postings_.begin(), static_cast<std::ptrdiff_t>(before)),
                                 [&, one = listener.get()](const Posting& posting) {
                                   return posting.listener.get() == one;
                                 });
    if (has) continue;
    if (Mail* const mail = listener->Prepare(*face, event, bytes)) {
      postings_.push_back({listener, mail});
    }
  }
}

void Postings::PrepareAgain(std::shared_ptr<MailboxListener> listener, const Topic& topic,
                            const void* event, std::size_t bytes, bool first) {
  postings_.reserve(1);
  MailboxFace& face = *listener->FaceOf(topic);
  if (Mail* const mail = listener->Prepare(face, event, bytes)) {
    mail->yields = true;
    mail->first = first;
    postings_.push_back({std::move(listener), mail});
  }
}

bool Postings::any_dropped() const {
  return std::any_of(postings_.begin(), postings_.end(),
                     [](const Posting& posting) { return posting.dropped; });
}

// --- Places ---

bool Postings::Lossy(const Posting& posting) {
  return posting.listener->traits().lossy() || posting.mail->face->topic->of_library();
}

bool Postings::Try(Posting& posting, QueueRefusal& refusal) {
  posting.tried = true;
  if (posting.mail->unkeyed || posting.mail->first) return true;
  switch (posting.listener->Reserve(*posting.mail, posting.dropped_mail)) {
    case MailboxListener::Reserved::kYes:
      posting.reserved = true;
      return true;
    case MailboxListener::Reserved::kDropped:
      posting.dropped = true;
      return true;
    case MailboxListener::Reserved::kNo:
      refusal = {Code::kQueueFull, posting.listener, posting.mail};
      return false;
    case MailboxListener::Reserved::kNever:
      refusal = {Code::kTooLarge, posting.listener, posting.mail};
      return false;
  }
  return false;
}

// Those who may refuse first: what is refused shall drop nothing.
QueueRefusal Postings::Reserve() {
  QueueRefusal refusal;
  for (const bool lossy : {false, true}) {
    for (Posting& posting : postings_) {
      if (Lossy(posting) == lossy && !Try(posting, refusal)) {
        GiveBack();
        return refusal;
      }
    }
  }
  return refusal;
}

void Postings::RecordRefusers(Outcomes& outcomes) const {
  for (const Posting& posting : postings_) {
    MailboxListener& listener = *posting.listener;
    if (Lossy(posting) || posting.mail->unkeyed) continue;
    Mail* none = nullptr;  // nothing is dropped
    if (listener.Reserve(*posting.mail, none) == MailboxListener::Reserved::kYes) {
      listener.GiveBack(*posting.mail);
      continue;
    }
    outcomes.Record(listener, Outcome::kRefused);
  }
}

void Postings::AdmitLate(const std::shared_ptr<const MailboxListeners::List>& listeners,
                         Publication& publication) {
  if (listeners_ == listeners) return;
  try {
    Prepare(listeners, publication.envelope().event(), publication.bytes());
  } catch (const std::bad_alloc&) {
    listeners_ = listeners;
  }
  for (Posting& posting : postings_) {
    QueueRefusal refusal;
    if (!posting.tried && !Try(posting, refusal)) {
      posting.listener->Recycle(std::exchange(posting.mail, nullptr));
    }
  }
}

void Postings::GiveBack() {
  for (Posting& posting : postings_) {
    if (std::exchange(posting.reserved, false)) posting.listener->GiveBack(*posting.mail);
    posting.dropped = false;
    posting.tried = false;
  }
}

// --- Giving ---

bool Postings::Give(Publication& publication) {
  bool offered = false;
  for (Posting& posting : postings_) {
    if (posting.mail == nullptr) continue;
    posting.given = posting.listener->Give(*posting.mail, publication, posting.dropped);
    posting.reserved = false;
    offered = offered || posting.given.offered;
    if (posting.given.queued) posting.mail = nullptr;
  }
  return offered;
}

void Postings::PostTurns() {
  for (Posting& posting : postings_) {
    Runnable* const turn = std::exchange(posting.given.to_post, nullptr);
    if (turn != nullptr) posting.listener->Post(*turn);
  }
}

// Tells last: who is told may unwind the thread.
void Postings::Finish(Publication& publication) {
  for (Posting& posting : postings_) End(posting, publication.outcomes.get());
  for (const Posting& posting : postings_) {
    MailboxListener& listener = *posting.listener;
    if (posting.lost != nullptr) {
      core_.telling().OfDrop(listener, *posting.lost, listener.drops_told());
    }
    if (posting.given.offered && posting.mail != nullptr && posting.mail->unkeyed) {
      const std::string& what = posting.mail->failure;
      Redelivery(core_).KeepDeadLetter(listener, publication, what, 1);
      core_.telling().OfFailure(listener, publication.envelope(), what);
      if (const auto decoration = listener.decoration())
        decoration->Failed(listener, *publication.topic, what);
    }
  }
}

void Postings::End(Posting& posting, Outcomes* outcomes) {
  MailboxListener& listener = *posting.listener;
  const bool given = posting.given.offered && !posting.given.queued;
  if (given && posting.dropped) posting.lost = posting.mail->face->topic;
  if (posting.dropped_mail != nullptr) posting.lost = posting.dropped_mail->face->topic;
  listener.EndUndelivered(std::exchange(posting.dropped_mail, nullptr), Outcome::kDropped);
  if (!given) return;
  if (posting.mail->unkeyed) {
    if (outcomes != nullptr) outcomes->Record(listener, Outcome::kFailed, posting.mail->failure);
  } else if (posting.dropped) {
    if (outcomes != nullptr) outcomes->Record(listener, Outcome::kDropped);
  } else {
    listener.EndUndelivered(std::exchange(posting.mail, nullptr), Outcome::kCoalesced);
  }
}

}  // namespace belfry
