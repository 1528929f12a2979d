#include "flow/asking.h"

#include <algorithm>
#include <utility>

#include "dispatch/core_access.h"
#include "dispatch/listener.h"
#include "dispatch/tracked_publish.h"
#include "flow/answerers.h"
#include "flow/effects.h"

namespace belfry {
namespace {

using Code = PublishResult::Code;

// What a delivery that ended so means to who has asked; nothing when it says nothing.
AnyReply ReplyTo(DeliveryOutcome::Kind how, const std::string& listener, std::string_view what,
                 const absl::Status& failure) {
  using Kind = DeliveryOutcome::Kind;
  const std::string who = "\"" + listener + "\" ";
  switch (how) {
    case Kind::kFailed:
      if (failure.ToString() == what) return {ReplyCode::kFailed, failure};
      return {ReplyCode::kFailed, absl::UnknownError(std::string(what))};
    case Kind::kFiltered:
      return {ReplyCode::kNoListener,
              absl::UnimplementedError(who + "did not take the query: " + std::string(what))};
    case Kind::kExpired:
      return {ReplyCode::kTimedOut,
              absl::DeadlineExceededError(who + "had no time for the query until its deadline")};
    case Kind::kCancelled:
      return {ReplyCode::kCancelled,
              absl::CancelledError(who + "was reset before it had answered")};
    case Kind::kHandled:
      return {ReplyCode::kFailed,
              absl::InternalError(who + "has handled the query, but no answer came of it")};
    default:
      return {ReplyCode::kFailed,
              absl::ResourceExhaustedError(who + "had no room for the query, which it may lose")};
  }
}

}  // namespace

Asking::Asking(std::shared_ptr<DispatcherCore> core, EventType query, Wants wants, RepliesTold told)
    : core_(std::move(core)),
      query_(query),
      wants_(wants),
      asker_(AmbientContext::Current()),
      told_(std::move(told)),
      effects_(asker_) {}

// --- Publishing ---

void Asking::Publish(EventHandle query, AskOptions options) {
  if (core_->forked()) return PublishEnded({Code::kForked, 0});
  if (options.stop.stop_requested()) {
    return GiveUp(ReplyCode::kCancelled, absl::CancelledError("the asker had stopped before"));
  }
  if (!Expect()) return;
  SetEffects(EffectsOf(*core_, options.publish));
  id_ = options.publish.id;
  PublishTracked(*core_, query_, query, std::move(options.publish),
                 std::make_unique<Outcomes>(shared_from_this()));
  Published();
  if (options.within > Nanoseconds::zero()) LimitTime(options.within);
  if (options.stop.stop_possible()) {
    stop_.emplace(std::move(options.stop), [weak = weak_from_this()] {
      const std::shared_ptr<Asking> self = weak.lock();
      if (self == nullptr) return;
      self->GiveUp(ReplyCode::kCancelled, absl::CancelledError("the asker has let go of it"));
    });
  }
}

AmbientContext Asking::effects() {
  const sync::Lock lock(mutex_);
  return effects_;
}

void Asking::SetEffects(AmbientContext effects) {
  const sync::Lock lock(mutex_);
  effects_ = std::move(effects);
}

// Notes who is to answer. False, with that told, if the query is not one to be asked.
bool Asking::Expect() {
  answerers_ = core_->annexes().Of<Answerers>();
  const auto answerers = answerers_->Of(query_);
  const bool several = !answerers.empty() && answerers.front()->kind == AnswererKind::kOneOfMany;
  if (wants_ == Wants::kOne && several) {
    GiveUp(ReplyCode::kFailed,
           absl::FailedPreconditionError(std::string(query_.name()) +
                                         " may have several answers: Gather them"));
    return false;
  }
  const sync::Lock lock(mutex_);
  for (const auto& answerer : answerers) {
    if (answerer->listener() != 0) places_.push_back({answerer->listener(), answerer->name});
  }
  return true;
}

// The query has been accepted, or refused, which was told.
void Asking::Published() {
  const bool any = answerers_->Any(query_);
  {
    const sync::Lock lock(mutex_);
    published_ = true;
    if (wants_ == Wants::kOne && places_.empty() && !any) AddNobody();
  }
  TellIfComplete();
}

void Asking::LimitTime(Nanoseconds within) try {
  {
    const sync::Lock lock(mutex_);
    if (told_ == nullptr) return;
  }
  Timers* const timers = core_->timers();
  if (timers == nullptr) {
    return GiveUp(ReplyCode::kFailed,
                  absl::FailedPreconditionError("nobody calls back when the time is up: a "
                                                "synchronous dispatcher was given no timers"));
  }
  limit_.Begin(*timers, within, [weak = weak_from_this()] {
    const std::shared_ptr<Asking> self = weak.lock();
    if (self == nullptr) return;
    self->GiveUp(ReplyCode::kTimedOut,
                 absl::DeadlineExceededError("there was no answer to " +
                                             std::string(self->query_.name()) + " in time"));
  });
} catch (const std::exception& thrown) {
  GiveUp(ReplyCode::kFailed, absl::ResourceExhaustedError("its time could not be limited: " +
                                                          std::string(thrown.what())));
}

// --- The answerer's ---

bool Asking::Begin(ListenerId listener, std::string_view name) {
  const sync::Lock lock(mutex_);
  Place& place = FindOrAdd(listener, name);
  place.begun = true;
  place.failure = absl::OkStatus();
  return !given_up_;
}

void Asking::AttemptFailed(ListenerId listener, const absl::Status& status) {
  const sync::Lock lock(mutex_);
  if (Place* const place = Find(listener)) place->failure = status;
}

bool Asking::Reply(ListenerId listener, AnyReply reply) {
  {
    const sync::Lock lock(mutex_);
    Place* const place = Find(listener);
    if (told_ == nullptr || place == nullptr || place->reply.has_value()) return false;
    place->reply = std::move(reply);
  }
  TellIfComplete();
  return true;
}

// --- PublishTracker ---

void Asking::DeliveryEnded(const Listener& listener, DeliveryOutcome::Kind how,
                           std::string_view what) noexcept {
  {
    const sync::Lock lock(mutex_);
    Place* place = Find(listener.id());
    if (place == nullptr && answerers_->Answers(query_, listener.id())) {
      place = &FindOrAdd(listener.id(), listener.name());
    }
    if (place == nullptr || place->reply.has_value()) return;
    // It has answered, or will: later.
    if (how == DeliveryOutcome::Kind::kHandled && place->begun) return;
    place->reply = ReplyTo(how, place->name, what, place->failure);
  }
  TellIfComplete();
}

void Asking::PublishEnded(PublishResult result) noexcept {
  if (!result.ok()) SetEffects(asker_);
  {
    const sync::Lock lock(mutex_);
    published_ = true;
    result_ = result;
    const bool ended = result.code() == Code::kClosed || result.code() == Code::kForked;
    if (!result.ok()) {
      if (wants_ == Wants::kOne && places_.empty()) places_.emplace_back();
      ReplyMissing(ended ? ReplyCode::kCancelled : ReplyCode::kFailed,
                   ended ? absl::CancelledError(result.status().message()) : result.status());
    } else if (wants_ == Wants::kOne && places_.empty()) {
      AddNobody();
    } else {
      // Who was reset just before the publish.
      for (Place& place : places_) {
        if (place.begun || place.reply.has_value()) continue;
        place.reply = ReplyTo(DeliveryOutcome::Kind::kCancelled, place.name, {}, {});
      }
    }
  }
  TellIfComplete();
}

// --- The end ---

void Asking::GiveUp(ReplyCode code, const absl::Status& why) {
  {
    const sync::Lock lock(mutex_);
    if (told_ == nullptr) return;
    given_up_ = true;
    if (wants_ == Wants::kOne && places_.empty()) places_.emplace_back();
    ReplyMissing(code, why);
  }
  TellIfComplete();
}

void Asking::ReplyMissing(ReplyCode code, const absl::Status& why) {
  for (Place& place : places_) {
    if (!place.reply.has_value()) place.reply = AnyReply(code, why);
  }
}

void Asking::AddNobody() {
  Place& nobody = places_.emplace_back();
  nobody.reply = AnyReply(ReplyCode::kNoListener,
                          absl::UnimplementedError("nobody answers " + std::string(query_.name())));
}

Asking::Place* Asking::Find(ListenerId listener) {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& place) { return place.listener == listener; });
  return found == places_.end() ? nullptr : &*found;
}

Asking::Place& Asking::FindOrAdd(ListenerId listener, std::string_view name) {
  if (Place* const place = Find(listener)) return *place;
  return places_.emplace_back(Place{listener, std::string(name)});
}

bool Asking::Complete() const {
  const auto replied = [](const Place& place) { return place.reply.has_value(); };
  if (wants_ == Wants::kOne) return std::any_of(places_.begin(), places_.end(), replied);
  return given_up_ || (published_ && std::all_of(places_.begin(), places_.end(), replied));
}

void Asking::TellIfComplete() {
  RepliesTold told;
  PublishResult result;
  std::vector<AnsweredBy> replies;
  AmbientContext context;
  {
    const sync::Lock lock(mutex_);
    if (told_ == nullptr || !Complete()) return;
    context = effects_;
    told = std::exchange(told_, nullptr);
    result = result_;
    for (Place& place : places_) {
      if (!place.reply.has_value()) continue;
      replies.push_back({place.listener, place.name, *place.reply});
    }
  }
  limit_.End();
  told(context, result, std::move(replies));
}

// --- Ask and Gather ---

void AskErased(const Publisher& publisher, EventType type, EventHandle query, AskOptions options,
               ReplyTold told) {
  const auto asking = std::make_shared<Asking>(
      CoreAccess::Of(publisher), type, Asking::Wants::kOne,
      [told = std::move(told)](const AmbientContext& context, PublishResult,
                               std::vector<AnsweredBy> replies) {
        told(context, std::move(replies.front().reply));
      });
  asking->Publish(query, std::move(options));
}

void GatherErased(const Publisher& publisher, EventType type, EventHandle query, AskOptions options,
                  RepliesTold told) {
  const auto asking = std::make_shared<Asking>(CoreAccess::Of(publisher), type, Asking::Wants::kAll,
                                               std::move(told));
  asking->Publish(query, std::move(options));
}

}  // namespace belfry
