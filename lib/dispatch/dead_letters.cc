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
using SharedEvent = std::shared_ptr<const void>;

// Of an event that is kept elsewhere.
constexpr EventOperations kOfKeptEvent{
    .is_bytes = false,
    .event = [](const void* pointer) -> const void* {
      return static_cast<const SharedEvent*>(pointer)->get();
    },
    .bytes = nullptr,
    .take = [](void* from, void* to) { ::new (to) SharedEvent(*static_cast<SharedEvent*>(from)); },
    .destroy = [](void* pointer) noexcept { static_cast<SharedEvent*>(pointer)->~SharedEvent(); }};

}  // namespace

// --- The public face ---

std::vector<DeadLetter> DeadLetters::List() const { return core_->dead_letters().List(); }
std::size_t DeadLetters::size() const { return core_->dead_letters().size(); }
bool DeadLetters::Discard(std::uint64_t number) const {
  return core_->dead_letters().Discard(number);
}
std::size_t DeadLetters::DiscardAll() const { return core_->dead_letters().Clear(); }

absl::Status DeadLetters::Retry(std::uint64_t number) const {
  const auto missing = [&](const std::string& what) {
    return absl::NotFoundError("dead letter " + std::to_string(number) + what);
  };
  const std::shared_ptr<const KeptLetter> kept = core_->dead_letters().Find(number);
  if (kept == nullptr) return missing(" is not there");
  const std::shared_ptr<MailboxListener> listener = kept->listener.lock();
  const PublishResult result =
      listener == nullptr ? PublishResult(Code::kClosed, 0) : core_->Redeliver(*kept, *listener);
  const bool gone = listener == nullptr || listener->detached();
  if (!result.ok() && gone) return missing(": listener \"" + kept->letter.listener + "\" is gone");
  if (result.ok()) core_->dead_letters().Discard(number);
  return result.status();
}

// --- Keeping ---

void DispatcherCore::KeepDeadLetter(MailboxListener& listener, Publication& publication,
                                    std::string_view what, unsigned attempts) try {
  const Envelope& envelope = publication.envelope();
  // Who keeps the event keeps the memory that it lies in.
  publication.Retain(1);
  const SharedEvent event(envelope.event(), [core = shared_from_this(), held = &publication](
                                                const void*) { held->Release(); });
  KeptLetter kept{{.number = 0,
                   .event_type = envelope.type(),
                   .event_id = envelope.id(),
                   .listener = std::string(listener.name()),
                   .listener_id = listener.id(),
                   .what = std::string(what),
                   .attempts = attempts,
                   .failed_at = clock_.WallNow(),
                   .event = event},
                  listener.weak_from_this(),
                  &publication};
  const std::size_t lost = dead_letters_.Keep(std::move(kept));
  if (lost == 0) return;
  if (const auto left_out = dead_letters_.losses_told().Allow(clock_.Now())) {
    telling_.Log(LogLevel::kWarning, "there is no room for all dead letters: " +
                                         std::to_string(lost + *left_out) + " had to go");
  }
} catch (const std::bad_alloc&) {
  telling_.Log(LogLevel::kError, "a dead letter was lost, since there is no memory");
}

// --- Delivering again ---

PublishResult DispatcherCore::Redeliver(const KeptLetter& kept, MailboxListener& listener) {
  if (forked()) return {Code::kForked, 0};
  if (!options_.synchronous) return RedeliverNow(kept, listener);
  PublishResult result;
  turns_.Run([&] { result = RedeliverNow(kept, listener); });
  return result;
}

PublishResult DispatcherCore::RedeliverNow(const KeptLetter& kept, MailboxListener& listener) try {
  Topic& topic = listener.topic();
  const bool in_delivery = Frame::InnermostOf(*this) != nullptr;
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return {Code::kOutOfMemory, 0};
  const FrameScope scope(*frame, *this, {.inside = &topic});
  if (!Accepts(in_delivery)) return {Code::kClosed, 0};

  const Envelope& former = kept.publication->envelope();
  const std::size_t bytes = kept.publication->bytes();
  auto extras = std::make_unique<EnvelopeExtras>();
  extras->links.assign(former.links().begin(), former.links().end());
  extras->headers.assign(former.headers().begin(), former.headers().end());
  Postings postings(*this);
  postings.PrepareFor(listener.shared_from_this(), former.event(), bytes);
  const QueueRefusal refusal = postings.Reserve();
  if (refusal.code != Code::kAccepted) return {refusal.code, listener.id()};
  if (postings.any_dropped()) return {Code::kQueueFull, listener.id()};
  SharedEvent event = kept.letter.event;
  Publication* const publication =
      Publication::Make(topic.pool(), topic.type(), {&event, &kOfKeptEvent}, bytes, ids_,
                        {former.correlation_id(), former.causation_id()});
  if (publication == nullptr) return {Code::kOutOfMemory, 0};
  const PublicationReference held(*publication);
  Publication::Complete(publication->envelope(), former.id(), std::move(extras),
                        former.publish_time());
  publication->topic = &topic;
  if (!topic.CommitAgain(*publication, postings)) return {Code::kClosed, 0};
  HandOver(topic, *publication, postings);
  return {};
} catch (const std::bad_alloc&) {
  return {Code::kOutOfMemory, 0};
}

}  // namespace belfry
