// A publish, from its call to the hand-over of its deliveries.

#include <new>
#include <utility>

#include "belfry/check.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/frame.h"

namespace belfry {

using Code = PublishResult::Code;

// What a publish needs memory for besides the event; taken before anything is accepted.
struct DispatcherCore::Preparation {
  Topic* topic = nullptr;
  std::unique_ptr<EnvelopeExtras> extras;

  // False when there is no memory.
  bool Prepare(TopicDirectory& topics, EventType type, PublishOptions& options) try {
    topic = &topics.Of(type);
    if (!options.links.empty() || !options.headers.empty()) {
      extras = std::make_unique<EnvelopeExtras>(
          EnvelopeExtras{std::move(options.links), std::move(options.headers)});
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
};

PublishResult DispatcherCore::Publish(EventType type, const EventHandle& event,
                                      PublishOptions options) {
  if (forked()) return {Code::kForked, 0};
  BELFRY_CHECK(!options.id || options.id.origin == ids_.origin(),
               "PublishOptions::id was not drawn from this dispatcher's NewEventId");
  const std::shared_ptr<DispatcherCore> self = shared_from_this();
  const WorkCount::UnderWay publishing(work_);
  Preparation preparation;
  if (!preparation.Prepare(topics_, type, options)) return {Code::kOutOfMemory, 0};
  if (!options_.synchronous) return PublishPrepared(preparation, event, options);

  const Turns::Holder turn(turns_);
  PublishResult result;
  try {
    result = PublishPrepared(preparation, event, options);
  } catch (...) {
    // The event's move threw: what that constructor has published itself still has its turn.
    if (turn.outermost()) turns_.RunAll();
    throw;
  }
  if (turn.outermost()) turns_.RunAll();
  return result;
}

PublishResult DispatcherCore::PublishPrepared(Preparation& preparation, const EventHandle& event,
                                              const PublishOptions& options) {
  Topic& topic = *preparation.topic;
  if (!Accepts()) return Refuse(topic, {Code::kClosed, 0});
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return Refuse(topic, {Code::kOutOfMemory, 0});
  const FrameScope scope(*frame, *this, &topic);
  return PublishInside(*frame, preparation, event, options);
}

PublishResult DispatcherCore::PublishInside(Frame& frame, Preparation& preparation,
                                            const EventHandle& event,
                                            const PublishOptions& options) {
  Topic& topic = *preparation.topic;
  const Topic::ListenerSet set = topic.listeners();
  if (set.inlined.listeners > 0 && frame.depth() > options_.depth_max) {
    return Refuse(topic, {Code::kTooDeep, 0});
  }
  Reservation reservation(*set.queued, event.bytes);
  if (const PublishResult result = ReserveOrWait(reservation, event.bytes); !result.ok()) {
    return Refuse(topic, result, reservation.refuser());
  }

  const Cause cause = options.cause.has_value() ? *options.cause : frame.OuterCause();
  const bool timed =
      set.queued->any_takes_context || (set.inlined.word & InlineListeners::kTakesContext) != 0;
  const WallTime time = timed ? clock_.WallNow() : WallTime{};
  frame.topic = &topic;
  frame.version = InlineListeners::VersionOf(set.inlined.word);
  InlineListeners& inlined = topic.inline_listeners();
  if (set.queued->listeners.empty()) {
    Envelope envelope(topic.type(), event.event, ids_, cause);
    Publication::Complete(envelope, options.id, std::move(preparation.extras), time);
    const bool orphaned = set.inlined.listeners == 0;
    topic.CountPublished(set.inlined, orphaned);
    if (orphaned) TellOrphan(topic);
    frame.made = &envelope;
    inlined.Run(frame, event.event, set.inlined.listeners);
    return {};
  }
  Publication* const publication =
      Publication::Make(topic.pool(), topic.type(), event, ids_, cause, set.queued);
  if (publication == nullptr) return Refuse(topic, {Code::kOutOfMemory, 0});
  const PublicationReference held(*publication);
  Publication::Complete(publication->envelope(), options.id, std::move(preparation.extras), time);
  reservation.Filled();
  topic.CountPublished(set.inlined, false);
  Queue(topic, *publication);
  frame.made = &publication->envelope();
  inlined.Run(frame, publication->envelope().event(), set.inlined.listeners);
  return {};
}

// While draining, what listeners publish still counts as part of what was accepted.
bool DispatcherCore::Accepts() const {
  const State state = state_.load(std::memory_order_seq_cst);
  return state == State::kOpen ||
         (state == State::kDraining && Frame::InnermostOf(*this) != nullptr);
}

PublishResult DispatcherCore::ReserveOrWait(Reservation& reservation, std::size_t bytes) {
  std::optional<SteadyTime> since;
  while (!reservation.Reserve()) {
    QueuedListener& refuser = *reservation.refuser();
    const bool patient =
        refuser.overflow().policy == Overflow::Policy::kBlock && !refuser.topic().of_library();
    if (!reservation.refuser_may_have_room()) return {Code::kTooLarge, refuser.id()};
    if (!patient) return {Code::kQueueFull, refuser.id()};
    if (options_.synchronous || Executor::Current() != nullptr) {
      return {Code::kWouldDeadlock, refuser.id()};
    }
    if (!since.has_value()) since = Clock::Real().Now();
    if (!refuser.AwaitRoom(bytes, TimeAfter(*since, refuser.overflow().patience))) {
      return {Code::kQueueFull, refuser.id()};
    }
    if (!Accepts()) return {Code::kClosed, 0};
  }
  return {};
}

PublishResult DispatcherCore::Refuse(Topic& topic, PublishResult result, const Listener* refuser) {
  topic.CountRefused();
  if (result.refuser() != 0 && !topic.of_library()) TellRefusal(topic, result, *refuser);
  return result;
}

void DispatcherCore::Queue(Topic& topic, Publication& publication) {
  const ListenerTable& table = publication.table();
  const auto deliveries = static_cast<std::uint32_t>(table.listeners.size());
  // On a synchronous dispatcher the turns hold each delivery as well as its mailbox does.
  publication.Retain(options_.synchronous ? 2 * deliveries : deliveries);
  work_.Add(deliveries);
  for (std::uint32_t cancelled = topic.Commit(publication); cancelled > 0; --cancelled) {
    ReleaseQueued(publication);
  }
  for (std::size_t i = 0; i < table.listeners.size(); ++i) {
    if (options_.synchronous) {
      turns_.Push(publication.delivery(i));
    } else if (publication.delivery(i).post_turn) {
      table.listeners[i]->PostTurn();
    }
  }
}

void DispatcherCore::ReleaseQueued(Publication& publication) {
  publication.Release();
  work_.Done(1);
}

std::uint64_t DispatcherCore::ReleaseCancelled(Delivery* first) {
  std::uint64_t count = 0;
  while (first != nullptr) {
    Delivery& delivery = *std::exchange(first, first->next);
    ReleaseQueued(*delivery.publication);
    ++count;
  }
  return count;
}

}  // namespace belfry
