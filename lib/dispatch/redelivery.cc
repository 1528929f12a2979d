#include "dispatch/redelivery.h"

#include <new>
#include <string>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"

namespace belfry {
namespace {

using Code = PublishResult::Code;
// What carries an event that is delivered again: the letter that keeps it.
constexpr EventOperations kOfLetter{
    .is_bytes = false,
    .event = [](const void* carrier) -> const void* {
      return (*static_cast<const SharedLetter*>(carrier))->letter.event.get();
    },
    .bytes = nullptr,
    .take = [](void* from,
               void* to) { ::new (to) SharedLetter(*static_cast<SharedLetter*>(from)); },
    .destroy =
        [](void* carrier) noexcept { static_cast<SharedLetter*>(carrier)->~SharedLetter(); }};

}  // namespace

// --- Keeping ---

void Redelivery::KeepDeadLetter(MailboxListener& listener, Publication& publication,
                                std::string_view what, unsigned attempts) try {
  if (!listener.traits().dead_letters) return;
  const Envelope& envelope = publication.envelope();
  KeptLetter kept{{.number = 0,
                   .event_type = envelope.type(),
                   .event_id = envelope.id(),
                   .listener = std::string(listener.name()),
                   .listener_id = listener.id(),
                   .what = std::string(what),
                   .attempts = attempts,
                   .failed_at = core_.clock_.WallNow(),
                   .event = {}},
                  listener.weak_from_this(),
                  &publication};
  if (publication.held().operations == &kOfLetter) {
    // Of the publication that it was kept of first: letters make no chains.
    const KeptLetter& former = **static_cast<const SharedLetter*>(publication.held().carrier);
    kept.letter.event = former.letter.event;
    kept.publication = former.publication;
  } else {
    kept.letter.event = KeepEvent(publication);
  }
  const std::size_t lost = core_.dead_letters_.Keep(std::move(kept));
  if (lost != 0 && core_.dead_letters_.losses_told().Allow(core_.clock_.Now()).has_value()) {
    core_.telling_.Log(LogLevel::kWarning,
                       "there is no room for all dead letters: the oldest had to go");
  }
} catch (const std::bad_alloc&) {
  core_.telling_.Log(LogLevel::kError, "a dead letter was lost, since there is no memory");
}

std::shared_ptr<const void> Redelivery::KeepEvent(Publication& publication) {
  publication.Keep();
  return {publication.envelope().event(),
          [core = core_.shared_from_this(), kept = &publication](const void*) { kept->Unkeep(); }};
}

// --- Sticky events ---

SharedLetter Redelivery::MakeSticky(Publication& publication) {
  auto kept = std::make_shared<KeptLetter>(
      KeptLetter{{.event_type = publication.envelope().type()}, {}, &publication});
  kept->letter.event = KeepEvent(publication);
  return kept;
}

void Redelivery::GiveSticky(const SharedLetter& sticky, MailboxListener& listener) {
  PublishResult result(Code::kClosed, 0);
  if (sticky != nullptr) result = Deliver(sticky, listener, nullptr);
  if (result.code() == Code::kOutOfMemory) {
    listener.Detach();
    throw std::bad_alloc();
  }
  if (!result.ok()) listener.Open();
}

// --- Delivering again ---

PublishResult Redelivery::RetryDeadLetter(DeadLetterBox::Taken& taken, MailboxListener& listener) {
  return Deliver(taken.letter(), listener, &taken);
}

PublishResult Redelivery::Deliver(const SharedLetter& letter, MailboxListener& listener,
                                  DeadLetterBox::Taken* taken) {
  if (core_.forked()) return {Code::kForked, 0};
  if (!core_.options_.synchronous) return DeliverNow(letter, listener, taken);
  PublishResult result;
  core_.turns_.Run([&] { result = DeliverNow(letter, listener, taken); });
  return result;
}

// One that was not taken out of the box comes first.
PublishResult Redelivery::DeliverNow(SharedLetter letter, MailboxListener& listener,
                                     DeadLetterBox::Taken* taken) try {
  Topic& topic = *letter->publication->topic;
  const bool in_delivery = Frame::InnermostOf(core_) != nullptr;
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return {Code::kOutOfMemory, 0};
  const FrameScope scope(*frame, core_, {.inside = &topic});
  if (!core_.Accepts(in_delivery)) return {Code::kClosed, 0};

  const Envelope& former = letter->publication->envelope();
  const std::size_t bytes = letter->publication->bytes();
  Postings postings(core_);
  postings.PrepareAgain(listener.shared_from_this(), topic, former.event(), bytes,
                        taken == nullptr);
  const QueueRefusal refusal = postings.Reserve();
  if (refusal.code != Code::kAccepted) return {refusal.code, listener.id()};
  if (postings.any_dropped()) return {Code::kQueueFull, listener.id()};
  Publication* const publication =
      Publication::Make(topic.pool(), topic.type(), {&letter, &kOfLetter}, bytes, core_.ids_,
                        {former.correlation_id(), former.causation_id()});
  if (publication == nullptr) return {Code::kOutOfMemory, 0};
  const PublicationReference held(*publication);
  Publication::Complete(publication->envelope(), former.id(), former.shared_extras(),
                        former.shared_baggage(), former.publish_time());
  publication->topic = &topic;
  publication->lane = letter->publication->lane;
  if (Observer* const observer = core_.options_.observer) {
    publication->outcomes = std::make_unique<Outcomes>();
    publication->outcomes->Observe(*observer, publication->envelope());
  }
  if (!topic.CommitAgain(*publication, postings)) return {Code::kClosed, 0};
  if (taken != nullptr) taken->Delivered();
  core_.HandOver(topic, *publication, postings);
  return {};
} catch (const std::bad_alloc&) {
  return {Code::kOutOfMemory, 0};
}

}  // namespace belfry
