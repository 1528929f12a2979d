// What happens in time: retries, what is to be published later, and what waits for too long.

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "model/events.h"
#include "model/model.h"

namespace belfry::model {

// --- Time passes ---

void Model::BeginWait(Nanoseconds time) { agenda_.BeginWait(time); }

// Elsewhere than on a synchronous dispatcher, and inside of a delivery, nobody is called meanwhile.
void Model::EndWait() {
  Advance();
  if (!wrong_.empty()) return;
  int listener = 0;
  int event = 0;
  if (!synchronous_ || Under(Frame::Kind::kDelivery)) {
    while (FireNext()) {
    }
  } else if (NextTurn(listener, event)) {
    Expect(false, Of(listener, event) + "not called, though it was due");
  }
  agenda_.EndWait();
}

// What is due next, before the end of the wait.
bool Model::FireNext() {
  const std::optional<Timer> timer = agenda_.TakeDue();
  if (!timer.has_value()) return false;
  if (timer->listener != 0) {
    Unpark(listeners_.at(timer->listener), timer->event);
  } else if (synchronous_) {
    PublishDue(timer->event);
  } else {
    on_the_way_.push_back(timer->event);
  }
  return true;
}

// O6: behind what is queued, unless another event has taken its place.
void Model::Unpark(ListenerState& l, int event) {
  if (synchronous_ && std::find(due_.begin(), due_.end(), l.number) == due_.end()) {
    due_.push_back(l.number);
  }
  if (Alike(l, event) == 0) return l.queue.Unpark(event);
  l.queue.Leave(event);
  Count(l, event, Outcome::kCoalesced);
}

// From its publish on.
bool Model::Expired(const ListenerState& l, int event, Nanoseconds more) const {
  if (l.plan.deadline == 0) return false;
  const Nanoseconds since = event == l.first ? l.first_since : events_.at(event).since;
  return agenda_.now() + more > since + l.plan.deadline * kUnit;
}

// --- What is to be published later ---

void Model::Schedule(int event, Nanoseconds delay, PublishResult result) {
  if (closed_) {
    Expect(result.code() == PublishResult::Code::kClosed, "a closed dispatcher takes an event");
    return;
  }
  Expect(result.ok(), "event " + std::to_string(event) + " cannot be published later");
  events_.at(event).pending = 1;
  agenda_.Add(delay, {0, event});
}

void Model::Cancel(int event, bool was_to_come) {
  if (!Expect(
          was_to_come == agenda_.has(event),
          "event " + std::to_string(event) + (was_to_come ? " was" : " was not") + " to come") ||
      !was_to_come) {
    return;
  }
  events_.at(event).pending = 0;
  agenda_.Cancel([&](const Timer& timer) { return timer.listener == 0 && timer.event == event; });
}

// Its time has come. What has no room is tried again.
void Model::PublishDue(int event) {
  if (Admit(event, true)) return;
  EventState& e = events_.at(event);
  e.pending = 1;
  constexpr Nanoseconds kLongest = std::chrono::milliseconds(50);
  const Nanoseconds delay = std::chrono::milliseconds(1) * (1 << std::min(e.tries_to_publish++, 6));
  agenda_.Add(std::min(delay, kLongest), {0, event});
}

// What an executor runs, in the order in which it became due. Nobody may see it: but it is counted.
void Model::NoticePublished(const Stats& stats) {
  const bool running =
      !stack_.empty() && stack_.back().kind == Frame::Kind::kRun && stack_.back().executor == 0;
  if (!running || on_the_way_.empty()) return;
  const Type name = events_.at(on_the_way_.front()).plan->type;
  const auto type = types_.find(name);
  const std::uint64_t known =
      type == types_.end() ? 0 : type->second.published + type->second.refused;
  for (const TypeStats& seen : stats.types) {
    if (seen.event_type != EventTypeFor(name)) continue;
    if (seen.published + seen.refused == known) continue;
    const int event = on_the_way_.front();
    on_the_way_.pop_front();
    return PublishDue(event);
  }
}

}  // namespace belfry::model
