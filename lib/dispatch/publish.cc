// A publish, from its call to the hand-over of its deliveries.

#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"

#include "belfry/check.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/redelivery.h"
#include "event/baggage.h"

namespace belfry {

using Code = PublishResult::Code;

// One publish on its way, and what it needs memory for besides the event; that is taken before
// anything is accepted.
struct DispatcherCore::Publishing {
  Topic& topic;
  const EventHandle handle;
  PublishOptions& options;
  std::unique_ptr<Outcomes>* outcomes;  // taken if the event is queued
  SharedExtras extras{};                // to begin with, those of an ExtrasScope
  SharedBaggage baggage{};

  // Why it cannot.
  Code Prepare() try {
    if (!options.links.empty() || !options.headers.empty()) {
      MoveExtrasToOptions();
      extras = std::make_shared<EnvelopeExtras>(
          EnvelopeExtras{std::move(options.links), std::move(options.headers)});
    }
    const SharedBaggage* const inherited = Ambient::BaggageIn(ambient.frame);
    if (inherited != nullptr) baggage = *inherited;
    const bool carried = options.baggage.empty() || AddBaggage(baggage, std::move(options.baggage));
    return carried ? Code::kAccepted : Code::kTooMuchBaggage;
  } catch (const std::bad_alloc&) {
    return Code::kOutOfMemory;
  }

  // Behind what these say. Throws std::bad_alloc.
  void MoveExtrasToOptions() {
    if (extras == nullptr) return;
    options.links.insert(options.links.end(), extras->links.begin(), extras->links.end());
    options.headers.insert(options.headers.end(), extras->headers.begin(), extras->headers.end());
    extras = nullptr;
  }
  // To the options, where interceptors see all that the event gets. False: there was no memory.
  bool ShowExtras() try {
    MoveExtrasToOptions();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }

  void Complete(Envelope& envelope, WallTime time) {
    Publication::Complete(envelope, options.id, std::move(extras), std::move(baggage), time);
  }
};

namespace {

// For the observer: in whose delivery this thread is.
Observer::Who WhoseDelivery() noexcept try {
  for (const Frame* frame = Frame::Innermost(); frame != nullptr; frame = frame->outer()) {
    if (!frame->delivers() || !frame->calls()) continue;
    const Listener& listener = frame->CurrentListener();
    return {listener.id(), listener.name()};
  }
  return {};
} catch (const std::bad_alloc&) {
  return {};  // the name is made when somebody asks for it
}

// Whether the event is in the log now. Bytes carry no baggage and no extras: what is to have some
// is not.
[[gnu::always_inline]] inline bool AppendBytes(DispatcherCore& core, Frame& frame, Topic& topic,
                                               EventHandle handle) {
  // Whoever closes the short way owns the tail meanwhile: who appended before is seen in here.
  const FrameScope scope(frame, core, {.inside = &topic}, std::memory_order_release);
  Cause cause;
  const bool caused = frame.HasOuterCause();
  if (caused) {
    if (frame.OuterBaggage() != nullptr || frame.OuterExtras() != nullptr) return false;
    cause = frame.OuterCause();
  }
  return topic.queued_listeners().TryAppend(handle, caused ? &cause : nullptr);
}

}  // namespace

// The path of an event of bytes that only queued listeners get: into their log, without a lock.
PublishResult DispatcherCore::PublishBytes(Topic& topic, EventHandle handle) {
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return {Code::kOutOfMemory, 0};
  if (handle.operations->is_bytes && handle.operations->bytes == nullptr && !forked()) {
    if (AppendBytes(*this, *frame, topic, handle)) return {};
  }
  return Publish(topic.type(), handle, {});
}

PublishResult DispatcherCore::Publish(EventType type, EventHandle handle, PublishOptions options,
                                      std::unique_ptr<Outcomes>* outcomes) {
  if (forked()) return {Code::kForked, 0};
  Topic* topic = nullptr;
  try {
    topic = &topics_.Of(type);
  } catch (const std::bad_alloc&) {
    return {Code::kOutOfMemory, 0};
  }
  const SharedExtras* const extras = Ambient::ExtrasIn(ambient.frame);
  Publishing publishing{*topic, handle, options, outcomes, extras == nullptr ? nullptr : *extras};
  if (!topic->watched()) return PublishNow(publishing);
  if (options_.observer != nullptr) return PublishObserved(publishing);
  return PublishIntercepted(publishing);
}

// What is refused is told here, since there are many places that refuse. This and what else only
// some ask for is kept apart, so that others need no stack for it.
[[gnu::noinline]] PublishResult DispatcherCore::PublishObserved(Publishing& publishing) {
  const PublishResult result =
      publishing.topic.intercepted() ? PublishIntercepted(publishing) : PublishNow(publishing);
  if (!result.ok()) {
    options_.observer->Refused({publishing.topic.type(), publishing.handle.event()}, result,
                               WhoseDelivery());
  }
  return result;
}

// In a frame outside of the topic: the dispatcher's end waits for interceptors, a Reset does not.
[[gnu::noinline]] PublishResult DispatcherCore::PublishIntercepted(Publishing& publishing) {
  Topic& topic = publishing.topic;
  const bool in_delivery = Frame::InnermostOf(*this) != nullptr;
  Frame* const frame = Frame::Next();
  if (frame == nullptr || !publishing.ShowExtras()) {
    return Refuse(topic, {Code::kOutOfMemory, 0});
  }
  const FrameScope scope(*frame, *this, {.inside = this});
  if (!Accepts(in_delivery)) return Refuse(topic, {Code::kClosed, 0});
  if (frame->depth() > interceptors_.FramesOf(options_.depth_max)) {
    return Refuse(topic, {Code::kTooDeep, 0});
  }
  const auto publish = [&] { return PublishNow(publishing); };
  const auto told = [&](std::string_view what) {
    telling_.Log(LogLevel::kError, "an interceptor failed after the publish of " +
                                       std::string(topic.type().name()) + ": " + std::string(what));
  };
  Interceptors::Intercepted intercepted{
      {topic.type(), publishing.handle.event()}, publishing.options, publish, told};
  const PublishResult result = interceptors_.Publish(intercepted);
  if (!intercepted.reached) topic.CountRefused();
  return result;
}

PublishResult DispatcherCore::PublishNow(Publishing& publishing) {
  BELFRY_CHECK(!publishing.options.id || publishing.options.id.origin == ids_.origin(),
               "PublishOptions::id was not drawn from this dispatcher's NewEventId");
  if (const Code why_not = publishing.Prepare(); why_not != Code::kAccepted) {
    return Refuse(publishing.topic, {why_not, 0});
  }
  if (!options_.synchronous) return PublishPrepared(publishing);

  PublishResult result;
  turns_.Run([&] { result = PublishPrepared(publishing); });
  return result;
}

PublishResult DispatcherCore::PublishPrepared(Publishing& publishing) {
  Topic& topic = publishing.topic;
  const bool in_delivery = Frame::InnermostOf(*this) != nullptr;
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return Refuse(topic, {Code::kOutOfMemory, 0});
  // Entered first and looked at then: either this sees the end, or the end waits for this.
  const FrameScope scope(*frame, *this, {.inside = &topic});
  if (!Accepts(in_delivery)) return Refuse(topic, {Code::kClosed, 0});
  return PublishInside(*frame, publishing, in_delivery);
}

// Places that were reserved, given back unless they were filled.
class DispatcherCore::Reserved {
 public:
  Reserved(QueuedListeners& listeners, EventSize size) : listeners_(listeners), size_(size) {}
  ~Reserved() {
    if (held) listeners_.GiveBack(size_);
  }
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;

  bool held = false;

 private:
  QueuedListeners& listeners_;
  const EventSize size_;
};

PublishResult DispatcherCore::PublishInside(Frame& frame, Publishing& publishing,
                                            bool in_delivery) {
  Topic& topic = publishing.topic;
  const EventHandle handle = publishing.handle;
  const PublishOptions& options = publishing.options;
  const Topic::ListenerSet before = topic.listeners();
  if (before.inlined.listeners > 0 && frame.depth() > interceptors_.FramesOf(options_.depth_max)) {
    return Refuse(topic, {Code::kTooDeep, 0});
  }
  const Cause cause = options.cause.has_value() ? *options.cause : frame.OuterCause();
  // Those who come while the event is on its way may be the first who are to know the time.
  const bool timed = before.takes_context;
  const WallTime time = timed ? clock_.WallNow() : WallTime{};
  InlineSet set{};
  const bool on_heap = before.queued || options.sticky || options_.observer != nullptr;
  if (!on_heap && topic.CommitInline(set, timed)) {
    Envelope envelope(topic.type(), handle.event(), ids_, cause);
    publishing.Complete(envelope, time);
    if (set.listeners == 0) telling_.OfOrphan(topic);
    RunInline(frame, envelope, set, publishing.outcomes);
    return {};
  }

  const EventSize size{handle.bytes(topic.type()), handle.operations->bytes != nullptr};
  Reserved reserved(topic.queued_listeners(), size);
  Postings postings(*this);
  try {
    postings.Prepare(before.mailboxes, handle.event(), size.bytes);
  } catch (const std::bad_alloc&) {
    return Refuse(topic, {Code::kOutOfMemory, 0});
  }
  if (const PublishResult result = ReserveOrWait(topic, size, postings, in_delivery);
      !result.ok()) {
    if (publishing.outcomes != nullptr && result.refuser() != 0) {
      topic.queued_listeners().RecordRefusers(size, **publishing.outcomes);
      postings.RecordRefusers(**publishing.outcomes);
    }
    return result;
  }
  reserved.held = true;
  Publication* const publication =
      Publication::Make(topic.pool(), topic.type(), handle, size.bytes, ids_, cause);
  if (publication == nullptr) return Refuse(topic, {Code::kOutOfMemory, 0});
  const PublicationReference held(*publication);
  publishing.Complete(publication->envelope(), time);
  publication->topic = &topic;
  publication->lane = options.lane;
  SharedLetter sticky;
  try {
    if (options.sticky) sticky = Redelivery(*this).MakeSticky(*publication);
    if (options_.observer != nullptr) TellObserver(publishing, *publication);
  } catch (const std::bad_alloc&) {
    return Refuse(topic, {Code::kOutOfMemory, 0});
  }
  if (publishing.outcomes != nullptr) publication->outcomes = std::move(*publishing.outcomes);
  const Topic::Accepted accepted = topic.Commit(*publication, size, postings, timed, sticky);
  reserved.held = false;
  // The deliveries first: what ends and is told here may unwind the thread.
  QueuedListeners::PostTurns(accepted.to_post);
  HandOver(topic, *publication, postings);
  if (accepted.orphan) TellOrphan(*publication);
  RunInline(frame, publication->envelope(), accepted.inlined, &publication->outcomes);
  return {};
}

// Of an event that will be accepted now. Throws std::bad_alloc.
[[gnu::noinline]] void DispatcherCore::TellObserver(Publishing& publishing,
                                                    Publication& publication) {
  std::unique_ptr<Outcomes> own;
  std::unique_ptr<Outcomes>& outcomes = publishing.outcomes == nullptr ? own : *publishing.outcomes;
  if (outcomes == nullptr) outcomes = std::make_unique<Outcomes>();
  const std::shared_ptr<const void> event = Redelivery(*this).KeepEvent(publication);
  outcomes->Observe(*options_.observer, publication.envelope());
  options_.observer->Published(publication.envelope(), event, WhoseDelivery());
  if (own != nullptr) publication.outcomes = std::move(own);
}

[[gnu::noinline]] void DispatcherCore::TellOrphan(Publication& publication) {
  if (options_.observer != nullptr) options_.observer->Orphaned(publication.envelope());
  telling_.OfOrphan(*publication.topic);
}

// What was committed, to its mailboxes.
void DispatcherCore::HandOver(Topic& topic, Publication& publication, Postings& postings) {
  postings.PostTurns();
  if (options_.synchronous) {
    publication.Retain(1);
    turns_.Push(publication);
  }
  if (state_.load(std::memory_order_seq_cst) == State::kDiscarding) {
    topic.DiscardAll();  // who discards may have passed by before
  }
  postings.Finish(publication);
}

void DispatcherCore::RunInline(Frame& frame, const Envelope& envelope, const InlineSet& set,
                               const std::unique_ptr<Outcomes>* outcomes) {
  struct ToldTo {
    ToldTo(Frame& f, Outcomes* to) : frame(f) { frame.outcomes = to; }
    ~ToldTo() { frame.outcomes = nullptr; }
    Frame& frame;
  };
  const ToldTo told_to(frame, outcomes == nullptr ? nullptr : outcomes->get());
  frame.CountDelivery();
  frame.SetVersion(set.version());
  frame.envelope().Use(envelope);
  frame.topic().inline_listeners().Run(frame, set, envelope.event());
}

// While draining, what listeners publish still counts as part of what was accepted.
bool DispatcherCore::Accepts(bool in_delivery) const {
  const State state = state_.load(std::memory_order_seq_cst);
  return state == State::kOpen || (state == State::kDraining && in_delivery);
}

PublishResult DispatcherCore::ReserveOrWait(Topic& topic, EventSize size, Postings& postings,
                                            bool in_delivery) {
  std::optional<SteadyTime> since;
  for (;;) {
    const QueueRefusal refusal = topic.Reserve(size, postings);
    if (refusal.code == Code::kAccepted) return {};
    if (refusal.listener == nullptr) return Refuse(topic, {refusal.code, 0});
    ListenerWithQueue& refuser = *refusal.listener;
    const auto refused = [&](Code code) { return Refuse(topic, {code, refuser.id()}, &refuser); };
    const std::optional<Nanoseconds> patience = refuser.patience();
    if (refusal.code != Code::kQueueFull || !patience.has_value()) return refused(refusal.code);
    if (options_.synchronous || Executor::Current() != nullptr) {
      return refused(Code::kWouldDeadlock);
    }
    if (!since.has_value()) since = Clock::Real().Now();
    if (!refuser.AwaitRoom(size, refusal.mail, TimeAfter(*since, *patience))) {
      return refused(Code::kQueueFull);
    }
    if (!Accepts(in_delivery)) return Refuse(topic, {Code::kClosed, 0});
  }
}

PublishResult DispatcherCore::Refuse(Topic& topic, PublishResult result, const Listener* refuser) {
  topic.CountRefused();
  if (result.refuser() != 0 && !topic.of_library()) telling_.OfRefusal(topic, result, *refuser);
  return result;
}

Failure PublishReturnedEvent(EventType type, EventHandle event) {
  DispatcherCore& core = *Frame::Innermost()->core();
  const PublishResult result = core.Publish(type, event);
  if (result.ok()) return {};
  return Failure::Because("it returned " + std::string(type.name()) +
                              ", which was refused: " + std::string(result.status().message()),
                          true);
}

}  // namespace belfry
