// Who gets an event, and who refuses or loses it.

#include <algorithm>
#include <utility>

#include "model/events.h"
#include "model/model.h"

namespace belfry::model {

using Code = PublishResult::Code;
using Policy = Overflow::Policy;

bool Model::HasNoKey(const ListenerState& l, int event) const {
  return l.plan.keyed && l.plan.key_throws && events_.at(event).plan->no_key;
}

// The waiting event whose place this one takes.
int Model::Alike(const ListenerState& l, int event) const {
  if (l.plan.overflow != Policy::kCoalesce) return 0;
  const EventPlan& plan = *events_.at(event).plan;
  for (const Queue::Mail& waiting : l.queue.waiting()) {
    const EventPlan& other = *events_.at(waiting.event).plan;
    if (other.same == plan.same && (!l.plan.keyed || other.key == plan.key)) return waiting.event;
  }
  return 0;
}

// What has a place besides those that are queued: where there are retries, all that is undecided.
std::vector<int> Model::Keeping(const ListenerState& l) const {
  std::vector<int> keeping;
  for (const Queue::Mail& parked : l.queue.parked()) keeping.push_back(parked.event);
  if (l.plan.attempts == 1) return keeping;
  for (const Frame& frame : stack_) {
    if (frame.kind == Frame::Kind::kDelivery && frame.listener == l.number) {
      keeping.push_back(frame.event);
    }
  }
  return keeping;
}

bool Model::FitsWithoutQueue(const ListenerState& l, int event) const {
  const std::vector<int> keeping = Keeping(l);
  std::size_t bytes = BytesOf(*events_.at(event).plan);
  for (const int kept : keeping) bytes += BytesOf(*events_.at(kept).plan);
  return keeping.size() < l.plan.events_max && bytes <= l.plan.bytes_max;
}

Model::Room Model::RoomFor(const ListenerState& l, int event) const {
  std::size_t bytes = BytesOf(*events_.at(event).plan);
  if (bytes > l.plan.bytes_max) return Room::kNever;
  const std::vector<int> keeping = Keeping(l);
  for (const int kept : keeping) bytes += BytesOf(*events_.at(kept).plan);
  const int alike = Alike(l, event);
  for (const Queue::Mail& waiting : l.queue.waiting()) {
    if (waiting.event != alike) bytes += BytesOf(*events_.at(waiting.event).plan);
  }
  const std::size_t places = l.queue.waiting().size() + keeping.size();
  const bool fits = alike != 0 || places < l.plan.events_max;
  return fits && bytes <= l.plan.bytes_max ? Room::kYes : Room::kNo;
}

// B1 to B3: all who may refuse it and have no room; whichever of them is named.
std::vector<PublishResult> Model::Refusals(int event) {
  if (closed_) return {{Code::kClosed, 0}};
  std::vector<PublishResult> refusals;
  const bool nobody_waits = synchronous_ || Under(Frame::Kind::kRun);
  for (auto& [number, l] : listeners_) {
    if (!l.live || !IsFor(l.plan, events_.at(event).plan->type) || IsInline(l)) continue;
    const Policy policy = l.plan.overflow;
    if (policy == Policy::kDropNewest || policy == Policy::kDropOldest) continue;
    if (HasNoKey(l, event)) continue;
    switch (RoomFor(l, event)) {
      case Room::kYes:
        break;
      case Room::kNever:
        refusals.emplace_back(Code::kTooLarge, l.id);
        break;
      case Room::kNo:
        refusals.emplace_back(
            policy == Policy::kReject || !nobody_waits ? Code::kQueueFull : Code::kWouldDeadlock,
            l.id);
        break;
    }
  }
  return refusals;
}

bool Model::Admit(int event, bool by_itself) {
  EventState& e = events_.at(event);
  TypeState& type = types_[e.plan->type];
  e.refusals = Refusals(event);
  e.pending = 1;
  if (!e.refusals.empty()) {
    ++type.refused;
    for (const PublishResult refusal : e.refusals) {
      if (refusal.refuser() != 0) e.ended.emplace_back(refusal.refuser(), Outcome::kRefused);
    }
    if (e.refusals[0].refuser() != 0) ++told_.refused;
    if (by_itself) e.pending = 0;
    return false;
  }
  ++type.published;
  e.since = agenda_.now();
  if (e.plan->sticky && !e.plain) KeepSticky(event);
  Frame pass;
  pass.kind = Frame::Kind::kPass;
  pass.event = event;
  pass.by_itself = by_itself;
  e.turn = ++last_turn_;
  bool anybody = false;
  for (auto& [number, l] : listeners_) {
    if (!l.live || !IsFor(l.plan, e.plan->type)) continue;
    anybody = true;
    ++e.pending;
    Offer(l, event);
    if (IsInline(l)) {
      pass.left.push_back({number, l.generation});
    } else {
      Give(l, event);
    }
  }
  if (!anybody) {
    ++type.orphaned;
    ++told_.orphaned;
  }
  if (!synchronous_) {
    stack_.push_back(std::move(pass));
  } else {
    turns_.emplace_back(e.turn, e.plan->type);
    if (by_itself) --e.pending;
  }
  return true;
}

void Model::Offer(ListenerState& l, int event) {
  ++l.counts.offered;
  ++types_[events_.at(event).plan->type].deliveries.offered;
}

// --- Sticky events ---

void Model::KeepSticky(int event) {
  EventState& e = events_.at(event);
  ForgetSticky(e.plan->type, sticky_.count(e.plan->type) > 0);
  sticky_[e.plan->type] = event;
  ++e.again;
}

// Whatever room there is, and as if it were published now.
void Model::GiveSticky(ListenerState& l) {
  const auto kept = sticky_.find(l.plan.type);
  if (kept == sticky_.end()) return;
  EventState& e = events_.at(kept->second);
  ++e.again;
  l.first = kept->second;
  l.first_since = agenda_.now();
  l.first_turn = ++last_turn_;
  if (synchronous_) turns_.emplace_back(l.first_turn, l.plan.type);
  Offer(l, l.first);
  if (HasNoKey(l, l.first)) {
    Count(l, l.first, Outcome::kFailed);
    return Failed(l);
  }
  l.queue.Put({l.first, e.plan->key, e.plan->lane});
}

int Model::TurnOf(const ListenerState& l, int event) const {
  return event == l.first ? l.first_turn : events_.at(event).turn;
}

// Into its queue, or where its policy says.
void Model::Give(ListenerState& l, int event) {
  if (HasNoKey(l, event)) {
    Count(l, event, Outcome::kFailed);
    return Failed(l);
  }
  if (const int replaced = Alike(l, event); replaced != 0) {
    l.queue.Replace(replaced, event);
    return Count(l, replaced, Outcome::kCoalesced);
  }
  bool lost = false;
  const bool drops = l.plan.overflow == Policy::kDropOldest && FitsWithoutQueue(l, event);
  while (drops && RoomFor(l, event) == Room::kNo) {
    const int oldest = l.queue.waiting().front().event;
    l.queue.Drop(oldest);
    Count(l, oldest, Outcome::kDropped);
    lost = true;
  }
  if (RoomFor(l, event) == Room::kYes) {
    const EventState& e = events_.at(event);
    l.queue.Put({event, e.plan->key, e.plain ? Lane::kNormal : e.plan->lane});
  } else {
    Count(l, event, Outcome::kDropped);
    lost = true;
  }
  if (lost) ++told_.dropped;
}

}  // namespace belfry::model
