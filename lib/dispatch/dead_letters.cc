// Dead letters: how they are kept, and delivered again.

#include "belfry/dead_letters.h"

#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"

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

// --- The public face ---

std::vector<DeadLetter> DeadLetters::List() const { return core_->dead_letters().List(); }
std::size_t DeadLetters::size() const { return core_->dead_letters().size(); }
bool DeadLetters::Discard(std::uint64_t number) const {
  return core_->dead_letters().Discard(number);
}
std::size_t DeadLetters::DiscardAll() const { return core_->dead_letters().Clear(); }

absl::Status DeadLetters::Retry(std::uint64_t number) const {
  const auto about = [&](const std::string& what) {
    return "dead letter " + std::to_string(number) + what;
  };
  DeadLetterBox::Taken taken(core_->dead_letters(), number);
  if (!taken) return absl::NotFoundError(about(" is not there"));
  const std::string name = ": listener \"" + taken.letter()->letter.listener + "\" is ";
  const std::shared_ptr<MailboxListener> listener = taken.letter()->listener.lock();
  if (listener == nullptr || listener->detached()) return absl::NotFoundError(about(name + "gone"));
  if (listener->Listed().stats.muted) return absl::FailedPreconditionError(about(name + "muted"));
  return core_->Redeliver(taken, *listener).status();
}

// --- Keeping ---

void DispatcherCore::KeepDeadLetter(MailboxListener& listener, Publication& publication,
                                    std::string_view what, unsigned attempts) try {
  const Envelope& envelope = publication.envelope();
  KeptLetter kept{{.number = 0,
                   .event_type = envelope.type(),
                   .event_id = envelope.id(),
                   .listener = std::string(listener.name()),
                   .listener_id = listener.id(),
                   .what = std::string(what),
                   .attempts = attempts,
                   .failed_at = clock_.WallNow(),
                   .event = {}},
                  listener.weak_from_this(),
                  &publication};
  if (publication.held().operations == &kOfLetter) {
    // Of the publication that it was kept of first: letters make no chains.
    const KeptLetter& former = **static_cast<const SharedLetter*>(publication.held().carrier);
    kept.letter.event = former.letter.event;
    kept.publication = former.publication;
  } else {
    publication.Keep();
    kept.letter.event.reset(envelope.event(),
                            [core = shared_from_this(), publication = &publication](const void*) {
                              publication->Unkeep();
                            });
  }
  const std::size_t lost = dead_letters_.Keep(std::move(kept));
  if (lost != 0 && dead_letters_.losses_told().Allow(clock_.Now()).has_value()) {
    telling_.Log(LogLevel::kWarning, "there is no room for all dead letters: the oldest had to go");
  }
} catch (const std::bad_alloc&) {
  telling_.Log(LogLevel::kError, "a dead letter was lost, since there is no memory");
}

// --- Delivering again ---

PublishResult DispatcherCore::Redeliver(DeadLetterBox::Taken& taken, MailboxListener& listener) {
  if (forked()) return {Code::kForked, 0};
  if (!options_.synchronous) return RedeliverNow(taken, listener);
  PublishResult result;
  turns_.Run([&] { result = RedeliverNow(taken, listener); });
  return result;
}

PublishResult DispatcherCore::RedeliverNow(DeadLetterBox::Taken& taken,
                                           MailboxListener& listener) try {
  Topic& topic = *taken.letter()->publication->topic;
  const bool in_delivery = Frame::InnermostOf(*this) != nullptr;
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return {Code::kOutOfMemory, 0};
  const FrameScope scope(*frame, *this, {.inside = &topic});
  if (!Accepts(in_delivery)) return {Code::kClosed, 0};

  SharedLetter letter = taken.letter();
  const Envelope& former = letter->publication->envelope();
  const std::size_t bytes = letter->publication->bytes();
  auto extras = std::make_unique<EnvelopeExtras>();
  extras->links.assign(former.links().begin(), former.links().end());
  extras->headers.assign(former.headers().begin(), former.headers().end());
  Postings postings(*this);
  postings.PrepareAgain(listener.shared_from_this(), topic, former.event(), bytes);
  const QueueRefusal refusal = postings.Reserve();
  if (refusal.code != Code::kAccepted) return {refusal.code, listener.id()};
  if (postings.any_dropped()) return {Code::kQueueFull, listener.id()};
  Publication* const publication =
      Publication::Make(topic.pool(), topic.type(), {&letter, &kOfLetter}, bytes, ids_,
                        {former.correlation_id(), former.causation_id()});
  if (publication == nullptr) return {Code::kOutOfMemory, 0};
  const PublicationReference held(*publication);
  Publication::Complete(publication->envelope(), former.id(), std::move(extras),
                        former.publish_time());
  publication->topic = &topic;
  publication->lane = letter->publication->lane;
  if (!topic.CommitAgain(*publication, postings)) return {Code::kClosed, 0};
  taken.Delivered();
  HandOver(topic, *publication, postings);
  return {};
} catch (const std::bad_alloc&) {
  return {Code::kOutOfMemory, 0};
}

}  // namespace belfry
