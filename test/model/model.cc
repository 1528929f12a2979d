#include "model/model.h"

#include <algorithm>
#include <utility>

#include "dispatch/show_counts.h"
#include "model/events.h"

namespace belfry::model {
namespace {

std::string ToString(PublishResult result) {
  return "code " + std::to_string(static_cast<int>(result.code())) + " by listener " +
         std::to_string(result.refuser());
}

bool Same(PublishResult a, PublishResult b) {
  return a.code() == b.code() && a.refuser() == b.refuser();
}

}  // namespace

bool Model::Expect(bool right, const std::string& what) {
  if (!right && wrong_.empty()) wrong_ = what;
  return right;
}

std::string Model::Of(int listener, int event) const {
  return listeners_.at(listener).name + ", event " + std::to_string(event) + ": ";
}

void Model::Count(ListenerState& l, int event, Outcome outcome) {
  EventState& e = events_.at(event);
  const auto count = [&](DeliveryCounts& counts) {
    switch (outcome) {
      case Outcome::kHandled:
        ++counts.handled;
        break;
      case Outcome::kFailed:
        ++counts.dead;
        break;
      case Outcome::kFiltered:
        ++counts.filtered;
        break;
      case Outcome::kRefused:  // was not counted as offered
      case Outcome::kDropped:
        ++counts.dropped;
        break;
      case Outcome::kCoalesced:
        ++counts.coalesced;
        break;
      case Outcome::kExpired:
        ++counts.expired;
        break;
      case Outcome::kCancelled:
        ++counts.cancelled;
        break;
    }
  };
  count(l.counts);
  count(types_[e.plan->type].deliveries);
  if (event == l.first) {
    --e.again;
  } else {
    e.ended.emplace_back(l.id, outcome);
    --e.pending;
  }
  if (outcome != Outcome::kFailed || !l.plan.letters) return;
  ++e.letters;
  ++letters_;
}

// --- What is done to the dispatcher ---

void Model::BeginOperation() { Settle(); }

int Model::Announce(const EventPlan& plan, bool plain) {
  const int number = static_cast<int>(events_.size()) + 1;
  events_[number].plan = &plan;
  events_[number].plain = plain;
  return number;
}

void Model::Publish(int event) {
  if (wrong_.empty()) Admit(event, false);
}

void Model::Published(int event, PublishResult result) {
  Advance();
  if (!wrong_.empty()) return;
  EventState& e = events_.at(event);
  --e.pending;
  const std::string what = "publish of event " + std::to_string(event) + ": ";
  if (!e.refusals.empty()) {
    Expect(std::any_of(e.refusals.begin(), e.refusals.end(),
                       [&](PublishResult refusal) { return Same(refusal, result); }),
           what + ToString(result) + ", not " + ToString(e.refusals[0]));
    return;
  }
  if (!Expect(result.ok(), what + ToString(result) + ", not accepted")) return;
  if (!synchronous_) {
    ++e.pending;
    return EndPass();
  }
  int listener = 0;
  int next = 0;
  if (!Under(Frame::Kind::kDelivery) && NextTurn(listener, next)) {
    Expect(false, Of(listener, next) + "not called, though the outermost publish has returned");
  }
}

void Model::Commit(std::vector<int> events) {
  Frame sequence;
  sequence.kind = Frame::Kind::kSequence;
  sequence.sequence = std::move(events);
  stack_.push_back(std::move(sequence));
}

void Model::Committed(PublishResult result, std::size_t left) {
  Advance();
  if (!wrong_.empty()) return;
  const Frame batch = stack_.back();
  stack_.pop_back();
  if (!Expect(batch.kind == Frame::Kind::kSequence && !batch.returned, "a batch ended early")) {
    return;
  }
  const std::size_t published = batch.next - (batch.refused ? 1 : 0);
  Expect(left == batch.sequence.size() - published,
         "a batch has " + std::to_string(left) + " events left");
  if (!batch.refused) {
    Expect(result.ok(), "a batch was refused: " + ToString(result));
    return;
  }
  const std::vector<PublishResult>& refusals = events_.at(batch.sequence[published]).refusals;
  Expect(std::any_of(refusals.begin(), refusals.end(),
                     [&](PublishResult refusal) { return Same(refusal, result); }),
         "a batch was to be refused: " + ToString(result) + ", not " + ToString(refusals[0]));
}

int Model::Add(const ListenerPlan& plan, std::string name) {
  const int number = static_cast<int>(listeners_.size()) + 1;
  ListenerState& l = listeners_[number];
  l.number = number;
  l.plan = plan;
  if (synchronous_) {
    l.plan.concurrency = 1;
    l.plan.starvation_max = 0;
  }
  l.queue = Queue(l.plan);
  l.name = std::move(name);
  if (plan.owner >= 0) l.object = objects_[static_cast<std::size_t>(plan.owner)];
  if (l.plan.sticky) GiveSticky(l);
  return number;
}

void Model::Added(int listener, ListenerId id) {
  for (const auto& [other, state] : listeners_) Expect(state.id != id, "R2: an id was used again");
  listeners_.at(listener).id = id;
  int next = 0;
  int event = 0;
  if (synchronous_ && wrong_.empty() && !Under(Frame::Kind::kDelivery) && NextTurn(next, event)) {
    Expect(false, Of(next, event) + "not called when it was subscribed");
  }
}

void Model::Detach(int listener) {
  if (wrong_.empty() && listeners_.at(listener).live) EndListener(listener);
}

// A replaced inline callable may have to wait for a pass that began before.
void Model::ResetDone(int listener, ResetResult result, bool destroyed) {
  if (!wrong_.empty()) return;
  const ListenerState& l = listeners_.at(listener);
  const bool may_wait = l.generation > 0 && IsInline(l) && InPassOf(l);
  Expect(result == ResetResult::kDeferred ? l.running > 0 || may_wait
                                          : result == ResetResult::kDone && l.running == 0,
         l.name + ": Reset returned " + std::to_string(static_cast<int>(result)));
  Expect(destroyed || result != ResetResult::kDone, l.name + ": Reset has left a callable");
}

void Model::ReplaceDone(int listener, ReplaceResult result, bool destroyed) {
  if (!wrong_.empty()) return;
  ListenerState& l = listeners_.at(listener);
  const bool closed = result == ReplaceResult::kClosed;
  Expect(closed == !l.live, l.name + ": Replace " + (closed ? "was" : "was not") + " refused");
  if (closed) return;
  const bool runs = std::any_of(stack_.begin(), stack_.end(), [&](const Frame& frame) {
    return frame.listener == listener && frame.generation == l.generation;
  });
  ++l.generation;
  Expect(result == ReplaceResult::kDeferred ? InPassOf(l) : result == ReplaceResult::kDone && !runs,
         l.name + ": Replace returned " + std::to_string(static_cast<int>(result)));
  Expect(destroyed || result != ReplaceResult::kDone, l.name + ": Replace has left a callable");
}

void Model::SetMuted(int listener, bool muted) {
  ListenerState& l = listeners_.at(listener);
  if (l.live) l.muted = muted;
}

void Model::BeginRun(int executor) {
  Frame run;
  run.executor = executor;
  stack_.push_back(std::move(run));
}

void Model::EndRun(bool all_done) {
  Settle();
  if (!wrong_.empty()) return;
  const int executor = stack_.back().executor;
  stack_.pop_back();
  for (const auto& [number, l] : listeners_) {
    const int next = l.plan.executor == executor ? l.queue.next() : 0;
    if (next != 0 && all_done) Expect(false, Of(number, next) + "not called");
  }
  const bool all_published = executor != 0 || on_the_way_.empty();
  Expect(all_published || !all_done, "an event that was due was not published");
}

void Model::Forget(std::size_t letters) {
  Expect(letters == letters_, "there were " + std::to_string(letters) + " dead letters, not " +
                                  std::to_string(letters_));
  letters_ = 0;
  for (auto& [number, event] : events_) event.letters = 0;
}

void Model::Drained(DrainResult result) {
  if (!wrong_.empty()) return;
  const DrainResult expected = Under(Frame::Kind::kDelivery) ? DrainResult::kWouldDeadlock
                               : nothing_queued() && on_the_way_.empty() ? DrainResult::kDrained
                                                                         : DrainResult::kTimedOut;
  Expect(result == expected, "Drain returned " + std::to_string(static_cast<int>(result)));
}

void Model::ForgetSticky(Type type, bool was_there) {
  const auto kept = sticky_.find(type);
  Expect(was_there == (kept != sticky_.end()),
         "there was " + std::string(was_there ? "a" : "no") + " sticky " + Name(type));
  if (kept == sticky_.end()) return;
  --events_.at(kept->second).again;
  sticky_.erase(kept);
}

std::uint64_t Model::Discard() {
  std::uint64_t count = 0;
  for (auto& [number, l] : listeners_) {
    for (const auto& mail : l.queue.Clear()) {
      Count(l, mail.event, Outcome::kCancelled);
      ++count;
    }
  }
  agenda_.Cancel([](const Timer& timer) { return timer.listener != 0; });
  return count;
}

// What waits is let go of, and what is on its way.
void Model::CloseIntake() {
  closed_ = true;
  for (const int event : on_the_way_) events_.at(event).pending = 0;
  unpublished_ += on_the_way_.size();
  on_the_way_.clear();
  agenda_.Cancel([&](const Timer& timer) {
    events_.at(timer.event).pending = 0;
    ++unpublished_;
    return true;
  });
}

void Model::Close() {
  for (auto& [number, l] : listeners_) l.live = false;
  Forget(letters_);  // they go with the listeners
  while (!sticky_.empty()) ForgetSticky(sticky_.begin()->first, true);
}

// --- What must be true between operations ---

TypeState Model::totals() const {
  TypeState totals;
  for (const auto& [type, state] : types_) {
    totals.published += state.published;
    totals.refused += state.refused;
    totals.orphaned += state.orphaned;
    totals.deliveries += state.deliveries;
  }
  return totals;
}

bool Model::nothing_queued() const {
  return std::all_of(listeners_.begin(), listeners_.end(),
                     [](const auto& l) { return l.second.queue.empty(); });
}

int Model::living_events() const {
  return static_cast<int>(std::count_if(events_.begin(), events_.end(), [](const auto& event) {
    const EventState& e = event.second;
    return e.pending + e.letters + e.again > 0 && e.plan->type >= Type::kLetter;
  }));
}

void Model::Compare(const Stats& stats) {
  const auto expect = [&](const DeliveryCounts& expected, const DeliveryCounts& counts,
                          const std::string& whose) {
    const std::string is = belfry::ToString(counts);
    const std::string should = belfry::ToString(expected);
    Expect(is == should, whose + ": " + is + "; not " + should);
  };
  Expect(stats.scheduled == agenda_.events(), std::to_string(stats.scheduled) +
                                                  " events are to come, not " +
                                                  std::to_string(agenda_.events()));
  Expect(stats.dead_letters == letters_,
         std::to_string(stats.dead_letters) + " dead letters, not " + std::to_string(letters_));
  std::map<Type, std::uint64_t> queued;
  std::map<Type, std::uint64_t> retrying;
  std::map<ListenerId, const ListenerStats*> found;
  for (const ListenerStats& listener : stats.listeners) found[listener.id] = &listener;
  for (const auto& [number, l] : listeners_) {
    if (!Expect(found.count(l.id) == (l.live ? 1U : 0U),
                l.name + (l.live ? " has ended" : " has not ended"))) {
      return;
    }
    if (!l.live) continue;
    DeliveryCounts expected = l.counts;
    expected.queued = l.queue.waiting().size();
    expected.retrying = l.queue.parked().size();
    for (const auto& mail : l.queue.waiting()) ++queued[events_.at(mail.event).plan->type];
    for (const auto& mail : l.queue.parked()) ++retrying[events_.at(mail.event).plan->type];
    const ListenerStats& seen = *found[l.id];
    expect(expected, seen.deliveries, l.name);
    Expect(seen.muted == l.muted && seen.name == l.name, l.name + ": muted, or renamed");
  }
  for (const auto& [name, expected] : types_) {
    const auto seen = std::find_if(
        stats.types.begin(), stats.types.end(),
        [type = EventTypeFor(name)](const TypeStats& t) { return t.event_type == type; });
    if (!Expect(seen != stats.types.end(), Name(name) + " is not in the stats")) return;
    DeliveryCounts deliveries = expected.deliveries;
    deliveries.queued = queued[name];
    deliveries.retrying = retrying[name];
    expect(deliveries, seen->deliveries, Name(name));
    Expect(seen->published == expected.published && seen->refused == expected.refused &&
               seen->orphaned == expected.orphaned,
           Name(name) + ": " + std::to_string(seen->published) + " published, " +
               std::to_string(seen->refused) + " refused, " + std::to_string(seen->orphaned) +
               " orphaned; not " + std::to_string(expected.published) + ", " +
               std::to_string(expected.refused) + ", " + std::to_string(expected.orphaned));
  }
}

}  // namespace belfry::model
