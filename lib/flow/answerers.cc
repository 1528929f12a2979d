#include "flow/answerers.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"

#include "belfry/flow_events.h"
#include "dispatch/core_access.h"
#include "dispatch/frame.h"
#include "dispatch/listener.h"
#include "dispatch/outcomes.h"
#include "flow/asking.h"

namespace belfry {

// --- One of them ---

void Answerer::Promise(const std::shared_ptr<Asking>& asking) {
  const sync::Lock lock(mutex_);
  promised_.emplace(asking.get(), asking);
}

void Answerer::Keep(const Asking& asking) {
  std::shared_ptr<Asking> kept;  // it may be the last who has it
  const sync::Lock lock(mutex_);
  const auto found = promised_.find(&asking);
  if (found == promised_.end()) return;
  kept = std::move(found->second);
  promised_.erase(found);
}

std::vector<std::shared_ptr<Asking>> Answerer::Leave() {
  std::vector<std::shared_ptr<Asking>> left;
  const sync::Lock lock(mutex_);
  left.reserve(promised_.size());
  for (auto& [key, asking] : promised_) left.push_back(std::move(asking));
  promised_.clear();
  return left;
}

void Answerer::TellLate(Asking& asking) try {
  DispatcherCore& in = asking.core();
  const std::optional<std::uint64_t> left_out = late_told_.Allow(in.clock().Now());
  if (!left_out.has_value()) return;
  const AmbientScope scope(asking.effects());
  AnswerLate late{query, asking.id(), name, listener(), *left_out};
  const EventType type = EventTypeOf<AnswerLate>();
  const Topic::ListenerSet listeners = in.topics().Of(type).listeners();
  const bool anybody = listeners.queued || listeners.inlined.listeners > 0;
  if (anybody && in.Publish(type, EventHandle::Of(late)).ok()) return;
  in.telling().Log(LogLevel::kWarning, "\"" + name + "\" has answered " +
                                           std::string(query.name()) +
                                           " when nobody waited for it any more");
} catch (const std::bad_alloc&) {
  asking.core().telling().Log(LogLevel::kWarning, "an answer came too late");
}

// --- All of them ---

std::string Answerers::Add(const std::shared_ptr<Answerer>& added) {
  const sync::Lock lock(mutex_);
  std::vector<std::shared_ptr<Answerer>>& others = by_type_[added->query.index()];
  const bool alone = added->kind == AnswererKind::kOnly;
  if (!others.empty() && (alone || others.front()->kind == AnswererKind::kOnly)) {
    return "listener \"" + added->name + "\": " + std::string(added->query.name()) +
           " is answered by \"" + others.front()->name + "\" already";
  }
  others.push_back(added);
  return {};
}

void Answerers::Remove(const Answerer& removed) {
  std::shared_ptr<Answerer> last;
  const sync::Lock lock(mutex_);
  std::vector<std::shared_ptr<Answerer>>& all = by_type_[removed.query.index()];
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& each) { return each.get() == &removed; });
  if (found == all.end()) return;
  last = std::move(*found);
  all.erase(found);
}

const std::vector<std::shared_ptr<Answerer>>* Answerers::Find(EventType query) const {
  const auto found = by_type_.find(query.index());
  return found == by_type_.end() || found->second.empty() ? nullptr : &found->second;
}

std::vector<std::shared_ptr<Answerer>> Answerers::Of(EventType query) const {
  const sync::Lock lock(mutex_);
  const auto* const all = Find(query);
  return all == nullptr ? std::vector<std::shared_ptr<Answerer>>() : *all;
}

bool Answerers::Any(EventType query) const {
  const sync::Lock lock(mutex_);
  return Find(query) != nullptr;
}

bool Answerers::Answers(EventType query, ListenerId listener) const {
  const sync::Lock lock(mutex_);
  const auto* const all = Find(query);
  return all != nullptr && std::any_of(all->begin(), all->end(), [&](const auto& each) {
           return each->listener() == listener;
         });
}

// --- A listener's part ---

AnswererHold::AnswererHold(Dispatcher& dispatcher, EventType query, AnswererKind kind,
                           std::string_view name, Site site, Subscription& refused) {
  DispatcherCore& core = *CoreAccess::Of(dispatcher);
  const std::shared_ptr<Answerers> answerers = core.annexes().Of<Answerers>();
  auto added = std::make_shared<Answerer>(
      answerers, query, kind,
      name.empty() ? Listener::DefaultName(query, site) : std::string(name));
  std::string why_not = answerers->Add(added);
  if (why_not.empty()) {
    answerer_ = std::move(added);
    return;
  }
  core.telling().Log(LogLevel::kWarning, "a subscription was refused: " + why_not);
  refused = CoreAccess::Refused({.what = std::move(why_not), .taken = true});
}

AnswererHold::~AnswererHold() {
  if (answerer_ == nullptr) return;
  const std::shared_ptr<Answerers> answerers = answerer_->answerers.lock();
  if (answerers != nullptr) answerers->Remove(*answerer_);
  for (const std::shared_ptr<Asking>& asking : answerer_->Leave()) {
    asking->Reply(
        answerer_->listener(),
        {ReplyCode::kCancelled,
         absl::CancelledError("\"" + answerer_->name + "\" was reset before it had answered")});
  }
}

AnswerTurn AnswererHold::Begin(const Context& context) const {
  answerer_->SetListener(context.listener());
  const Outcomes* const outcomes = Frame::Innermost()->outcomes;
  if (outcomes == nullptr) return {answerer_, nullptr, true};
  auto asking = std::dynamic_pointer_cast<Asking>(outcomes->tracker());
  if (asking == nullptr) return {answerer_, nullptr, true};
  const bool wanted = asking->Begin(context.listener(), answerer_->name);
  return {answerer_, std::move(asking), wanted};
}

void SetListener(Answerer& answerer, const Subscription& subscription) {
  if (subscription) answerer.SetListener(subscription.id());
}

// --- One query ---

AnswerTurn::AnswerTurn(std::shared_ptr<Answerer> answerer, std::shared_ptr<Asking> asking,
                       bool wanted)
    : answerer_(std::move(answerer)), asking_(std::move(asking)), wanted_(wanted) {}

Failure AnswerTurn::Now(const AnyReply& reply) const {
  if (!reply.ok()) {
    const absl::Status status = reply.status();
    if (asking_ != nullptr) asking_->AttemptFailed(answerer_->listener(), status);
    return FailureOf(status);
  }
  if (asking_ != nullptr && !asking_->Reply(answerer_->listener(), reply)) {
    answerer_->TellLate(*asking_);
  }
  return {};
}

void AnswerTurn::Promise() const {
  if (asking_ != nullptr) answerer_->Promise(asking_);
}

void AnswerTurn::Later(const AnyReply& reply) const {
  if (asking_ == nullptr) return;
  answerer_->Keep(*asking_);
  const bool in_time = asking_->Reply(
      answerer_->listener(), reply.ok() ? reply : AnyReply(ReplyCode::kFailed, reply.status()));
  if (!in_time) answerer_->TellLate(*asking_);
}

AnyReply ReplyOf(const absl::Status& status) {
  return status.ok() ? AnyReply::Answered(nullptr) : AnyReply(ReplyCode::kFailed, status);
}

}  // namespace belfry
