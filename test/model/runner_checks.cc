// What must be true between the operations of a walk.

#include <algorithm>
#include <iterator>
#include <utility>

#include "belfry/library_events.h"
#include "model/events.h"
#include "model/runner.h"

namespace belfry::model {

void Runner::Check() {
  if (!right()) return;
  model_.Compare(dispatcher_->GetStats());
  CheckTracked();
  CheckCallables();
  const int living = model::living_events - living_before_;
  model_.Expect(living == model_.living_events(),
                "D3: " + std::to_string(living) + " events with something to destroy exist, not " +
                    std::to_string(model_.living_events()));
  for (const Later& handle : handles_) {
    if (handle.event == 0) continue;
    const bool pending = handle.scheduled.pending();
    model_.Expect(
        pending == model_.agenda().has(handle.event),
        "event " + std::to_string(handle.event) + (pending ? " is" : " is not") + " to come");
  }
  // What comes too often is left out.
  const auto expect = [&](int told, int expected, const std::string& what) {
    const bool all_are_told = expected <= static_cast<int>(kLibraryEventsPerSecond);
    model_.Expect(
        all_are_told ? told == expected : told < expected + 1,
        what + " was told " + std::to_string(told) + " times, not " + std::to_string(expected));
  };
  expect(told_.failed, model_.told().failed, "ListenerFailed");
  expect(told_.orphaned, model_.told().orphaned, "Orphaned");
  expect(told_.refused, model_.told().refused, "PublishRefused");
  expect(told_.dropped, model_.told().dropped, "Dropped");
  expect(told_.quarantined, model_.told().quarantined, "ListenerQuarantined");
  expect(told_.expired, model_.told().expired, "Expired");
}

void Runner::CheckTracked() {
  for (auto next = tracked_.begin(); next != tracked_.end() && right();) {
    const auto one = next++;
    const auto& [number, told] = *one;
    const EventState& event = model_.event(number);
    const std::string what = "the outcome of event " + std::to_string(number);
    if (!model_.Expect(told.finished() == (event.pending == 0),
                       what + (told.finished() ? " was told early" : " was not told")) ||
        !told.finished()) {
      continue;
    }
    std::vector<std::pair<ListenerId, DeliveryOutcome::Kind>> seen;
    for (const DeliveryOutcome& delivery : told.value().deliveries) {
      seen.emplace_back(delivery.listener, delivery.kind);
    }
    auto expected = event.ended;
    std::sort(seen.begin(), seen.end());
    std::sort(expected.begin(), expected.end());
    model_.Expect(seen == expected, what + " is wrong");
    tracked_.erase(one);
  }
}

bool Runner::Destroyed(int listener, std::size_t generations) const {
  const std::vector<Life>& lives = lives_.at(listener);
  return std::all_of(lives.begin(),
                     std::next(lives.begin(), static_cast<std::ptrdiff_t>(generations)),
                     [](const Life& life) { return life.callable.expired(); });
}

// X2: between operations nothing runs, so what has ended is destroyed.
void Runner::CheckCallables() {
  for (const auto& [listener, l] : model_.listeners()) {
    const std::vector<Life>& lives = lives_.at(listener);
    const std::size_t ended = lives.size() - (l.live ? 1 : 0);
    model_.Expect(Destroyed(listener, ended), l.name + ": a callable of it is left");
    if (!l.live || !lives.back().shown) continue;
    model_.Expect(!lives.back().callable.expired(), l.name + ": its callable is gone");
  }
}

}  // namespace belfry::model
