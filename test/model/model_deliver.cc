// Who is called when, and what happens without being seen.

#include <algorithm>
#include <utility>

#include "model/model.h"

namespace belfry::model {

using Kind = Frame::Kind;

bool Model::Under(Kind kind) const {
  return std::any_of(stack_.begin(), stack_.end(),
                     [&](const Frame& frame) { return frame.kind == kind; });
}

bool Model::InPassOf(const ListenerState& l) const {
  return std::any_of(stack_.begin(), stack_.end(), [&](const Frame& frame) {
    return frame.event != 0 && IsFor(l.plan, events_.at(frame.event).plan->type);
  });
}

// X3: what a delivery holds is not gone.
bool Model::Gone(const ListenerState& l) const {
  if (l.object == 0 || objects_[static_cast<std::size_t>(l.plan.owner)] == l.object) return false;
  const auto holders = holders_.find(l.object);
  return holders == holders_.end() || holders->second == 0;
}

std::vector<Frame::Called>::iterator Model::Find(Frame& pass, int listener) {
  return std::find_if(pass.left.begin(), pass.left.end(),
                      [&](const Frame::Called& called) { return called.listener == listener; });
}

// --- What happens without being seen ---

// What has ended or begun by itself, until this listener may be called for this event.
void Model::Advance(int listener, int event) {
  while (wrong_.empty() && !stack_.empty()) {
    Frame& top = stack_.back();
    if (top.kind == Kind::kPass && top.by_itself) {
      if (top.event == event && Find(top, listener) != top.left.end()) return;
      EndPass();
      continue;
    }
    if (top.kind != Kind::kSequence) return;
    int due = 0;
    int with = 0;
    if (synchronous_ && !Under(Kind::kDelivery) && NextTurn(due, with)) return;
    const bool stopped = top.refused && !top.returned;
    if (top.next < top.sequence.size() && !stopped) {
      const std::size_t place = stack_.size() - 1;
      const bool accepted = Admit(top.sequence[top.next++], true);
      if (!accepted) stack_[place].refused = true;
      continue;
    }
    if (!top.returned) return;
    const bool refused = top.refused;
    stack_.pop_back();
    End(refused ? Outcome::kFailed : Outcome::kHandled, refused);
  }
}

// Those who have not been called had no turn that is seen, or should have been called.
void Model::EndPass() {
  const Frame pass = stack_.back();
  stack_.pop_back();
  for (const auto& [listener, generation] : pass.left) {
    ListenerState& l = listeners_.at(listener);
    if (!Expect(Silent(l), Of(listener, pass.event) + "not called")) return;
    const bool ends = !l.muted;
    Count(l, pass.event, Outcome::kFiltered);
    if (ends) EndListener(listener);
  }
  --events_.at(pass.event).pending;
}

// A synchronous dispatcher: who is next, with which event. In order of events, then of listeners;
// then come retries, one after the other; then what else becomes due meanwhile.
bool Model::NextTurn(int& listener, int& event) {
  for (;;) {
    if (due_until_ != 0) {
      if (NextOf(listeners_.at(due_.front()), due_until_, listener, event)) return true;
      due_.pop_front();
      due_until_ = 0;
    } else if (!turns_.empty()) {
      const auto [turn, type] = turns_.front();
      for (auto next = listeners_.lower_bound(in_turn_); next != listeners_.end(); ++next) {
        in_turn_ = next->first;
        if (!IsFor(next->second.plan, type)) continue;
        if (NextOf(next->second, turn, listener, event)) return true;
      }
      turns_.pop_front();
      in_turn_ = 0;
    } else if (!due_.empty()) {
      due_until_ = last_turn_;
    } else if (!FireNext()) {
      return false;
    }
  }
}

bool Model::NextOf(ListenerState& l, int last_turn, int& listener, int& event) {
  for (;;) {
    const int next = l.queue.next();
    if (next == 0 || TurnOf(l, next) > last_turn) return false;
    listener = l.number;
    event = next;
    if (!GoesWithoutCall(l, next)) return true;
    PassOver(l.number);
  }
}

// --- Who is passed over ---

// X3: at an event whose time is not over.
bool Model::GoesWithoutCall(const ListenerState& l, int event) const {
  return Silent(l) || Expired(l, event);
}

void Model::Settle(int listener, int event) {
  Advance(listener, event);
  CatchUp();
  Advance(listener, event);
}

// Elsewhere there is an order that the promises leave open: when somebody who is muted, or whose
// owner is gone, was passed over, when an event has expired, and when one that was due was
// published, the counters tell. They are asked before it makes a difference.
void Model::CatchUp() {
  if (!wrong_.empty() || synchronous_) return;
  const bool any = std::any_of(listeners_.begin(), listeners_.end(),
                               [&](const auto& l) { return MayBePassedOver(l.first); });
  if (!any && on_the_way_.empty()) return;
  const Stats stats = stats_();
  NoticePublished(stats);
  for (auto& one : listeners_) {
    const int number = one.first;
    ListenerState& l = one.second;
    if (!MayBePassedOver(number)) continue;
    const auto seen = std::find_if(stats.listeners.begin(), stats.listeners.end(),
                                   [&](const ListenerStats& s) { return s.id == l.id; });
    if (seen == stats.listeners.end()) {
      if (!Expect(!l.muted, l.name + " has ended, though it is muted")) return;
      while (l.live && PassOver(number)) {
      }
      if (!Expect(!l.live || l.plan.once, l.name + " has ended")) return;
      continue;
    }
    const auto passed_over = [](const DeliveryCounts& counts) {
      return counts.filtered + counts.dead + counts.expired;
    };
    while (passed_over(seen->deliveries) > passed_over(l.counts)) {
      if (!Expect(PassOver(number), l.name + " counts too many as passed over")) return;
    }
  }
}

bool Model::MayBePassedOver(int listener) {
  const ListenerState& l = listeners_.at(listener);
  if (!l.live) return false;
  const int next = l.queue.next();
  return std::any_of(stack_.begin(), stack_.end(), [&](Frame& frame) {
    if (IsInline(l)) {
      return Silent(l) && frame.kind == Kind::kPass && Find(frame, listener) != frame.left.end();
    }
    return frame.kind == Kind::kRun && frame.executor == l.plan.executor && next != 0 &&
           GoesWithoutCall(l, next);
  });
}

// Its next event, of the innermost pass if it is inline. Whose owner is gone ends with that.
bool Model::PassOver(int listener) {
  ListenerState& l = listeners_.at(listener);
  int event = 0;
  if (IsInline(l)) {
    const auto pass = std::find_if(stack_.rbegin(), stack_.rend(), [&](Frame& frame) {
      return frame.kind == Kind::kPass && Find(frame, listener) != frame.left.end();
    });
    if (pass == stack_.rend()) return false;
    event = pass->event;
    pass->left.erase(Find(*pass, listener));
  } else {
    event = l.queue.next();
    if (event == 0 || !GoesWithoutCall(l, event)) return false;
    l.queue.Start(event);
    l.queue.End(event);
  }
  const bool expired = !l.muted && Expired(l, event);
  const bool ends = !l.muted && !expired;
  // E2: what was tried before has failed by that.
  const bool failed = !ends && l.tries.count(event) > 0;
  if (failed) {
    ++told_.failed;
  } else if (expired) {
    ++told_.expired;
  }
  Count(l, event, failed ? Outcome::kFailed : expired ? Outcome::kExpired : Outcome::kFiltered);
  if (ends) EndListener(listener);
  return true;
}

void Model::EndListener(int listener) {
  ListenerState& l = listeners_.at(listener);
  l.live = false;
  for (const auto& mail : l.queue.Clear()) Count(l, mail.event, Outcome::kCancelled);
  agenda_.Cancel([&](const Timer& timer) { return timer.listener == listener; });
  for (Frame& frame : stack_) {
    const auto called = Find(frame, listener);
    if (called == frame.left.end()) continue;
    frame.left.erase(called);
    ++types_[l.plan.type].deliveries.cancelled;
    --events_.at(frame.event).pending;
  }
}

// --- What listeners and their filters see ---

void Model::TakeTurn(int listener, int event) {
  Settle(listener, event);
  if (!wrong_.empty()) return;
  ListenerState& l = listeners_.at(listener);
  const std::string what = Of(listener, event);
  if (!Expect(l.live, what + "called, though it has ended") ||
      !Expect(!Silent(l), what + "called, though it is muted or its owner gone")) {
    return;
  }
  Frame delivery;
  delivery.kind = Kind::kDelivery;
  delivery.event = event;
  delivery.listener = listener;
  delivery.generation = l.generation;
  if (IsInline(l)) {
    if (!Expect(!stack_.empty() && stack_.back().event == event, what + "not its time")) return;
    Frame& pass = stack_.back();
    const auto called = Find(pass, listener);
    if (!Expect(called != pass.left.end(), what + "not for it, or for the second time")) return;
    delivery.generation = called->generation;
    pass.left.erase(called);
  } else {
    TakeFromQueue(l, event, what);
  }
  ++l.running;
  if (l.object != 0) ++holders_[l.object];
  stack_.push_back(std::move(delivery));
}

void Model::TakeFromQueue(ListenerState& l, int event, const std::string& what) {
  if (synchronous_) {
    int listener = 0;
    int next = 0;
    const bool due = !Under(Kind::kDelivery) && NextTurn(listener, next);
    const bool right = due && listener == l.number && next == event;
    const std::string whose = due ? ", which was " + Of(listener, next) : "";
    if (!Expect(right, what + "out of turn" + whose)) return;
  } else {
    const auto& waiting = l.queue.waiting();
    const bool waits = std::any_of(waiting.begin(), waiting.end(),
                                   [&](const Queue::Mail& mail) { return mail.event == event; });
    if (!Expect(waits, what + "not for it, or for the second time")) return;
    const bool running = !stack_.empty() && stack_.back().kind == Kind::kRun &&
                         stack_.back().executor == l.plan.executor;
    Expect(running, what + "not on its executor");
    Expect(l.queue.MayStart(event), what + "before an earlier one");
    Expect(!Expired(l, event), what + "though its time is over");
  }
  l.queue.Start(event);
}

void Model::Asked(int listener, int event) {
  if (!wrong_.empty()) return;
  TakeTurn(listener, event);
  if (wrong_.empty()) stack_.back().asked = true;
}

void Model::Start(int listener, int generation, int event) {
  if (!wrong_.empty()) return;
  const ListenerState& l = listeners_.at(listener);
  const bool asked = !stack_.empty() && stack_.back().asked && stack_.back().event == event &&
                     stack_.back().listener == listener;
  if (!asked) TakeTurn(listener, event);
  if (!wrong_.empty()) return;
  stack_.back().asked = false;
  Expect(asked == l.plan.filtered, Of(listener, event) + "its filter was not asked");
  Expect(stack_.back().generation == generation, Of(listener, event) + "handled by callable " +
                                                     std::to_string(generation) + ", not " +
                                                     std::to_string(stack_.back().generation));
  if (l.plan.once) EndListener(listener);
}

void Model::End(Outcome outcome, bool permanent) {
  if (!wrong_.empty()) return;
  const Frame delivery = stack_.back();
  stack_.pop_back();
  ListenerState& l = listeners_.at(delivery.listener);
  --l.running;
  if (l.object != 0) --holders_[l.object];
  if (outcome == Outcome::kFailed) {
    Failed(l);
    const bool again = ++l.tries[delivery.event] < l.plan.attempts && !permanent &&
                       !Expired(l, delivery.event, kRetryDelay);
    if (again && l.live) {
      l.queue.Park(delivery.event);
      agenda_.Add(kRetryDelay, {l.number, delivery.event});
      return;
    }
    if (again) outcome = Outcome::kCancelled;
  }
  if (!IsInline(l)) l.queue.End(delivery.event);
  Count(l, delivery.event, outcome);
}

// E2: often enough it is muted.
void Model::Failed(ListenerState& l) {
  ++told_.failed;
  if (l.plan.quarantine == 0 || ++l.failures < l.plan.quarantine) return;
  l.failures = 0;
  ++told_.quarantined;
  SetMuted(l.number, true);
}

void Model::Return(std::vector<int> events) {
  if (!wrong_.empty()) return;
  CatchUp();
  if (events.empty()) return End(Outcome::kHandled);
  Frame sequence;
  sequence.kind = Kind::kSequence;
  sequence.sequence = std::move(events);
  sequence.returned = true;
  stack_.push_back(std::move(sequence));
}

}  // namespace belfry::model
