#include "flow/causes_graph.h"

#include <set>

namespace belfry {

CauseGraph::CauseGraph(const std::vector<TracedEvent>& events, EventId id) : id_(id) {
  Edges causes;
  Edges effects;
  for (const TracedEvent& event : events) {
    all_[event.id] = &event;
    std::vector<EventId> from = event.links;
    if (event.cause) from.push_back(event.cause);
    for (const EventId cause : from) {
      causes[event.id].push_back(cause);
      effects[cause].push_back(event.id);
    }
  }
  Follow(causes, id);
  Follow(effects, id);
  for (const auto& [each, event] : chosen_) {
    events_.push_back(event);
    const bool below = event->cause && event->cause != each && Has(event->cause);
    (below ? effects_[event->cause] : roots_).push_back(event);
  }
}

// Takes all events that can be reached; each once, whatever the edges say.
void CauseGraph::Follow(const Edges& edges, EventId from) {
  std::set<EventId> seen{from};
  std::vector<EventId> waiting{from};
  while (!waiting.empty()) {
    const EventId next = waiting.back();
    waiting.pop_back();
    const auto event = all_.find(next);
    if (event != all_.end()) chosen_.insert(*event);
    const auto edge = edges.find(next);
    if (edge == edges.end()) continue;
    for (const EventId each : edge->second) {
      if (seen.insert(each).second) waiting.push_back(each);
    }
  }
}

const std::vector<const TracedEvent*>& CauseGraph::EffectsOf(EventId id) const {
  static const std::vector<const TracedEvent*> kNone;
  const auto found = effects_.find(id);
  return found == effects_.end() ? kNone : found->second;
}

std::string CauseGraph::Number(EventId id) const {
  return id.origin == id_.origin ? "#" + std::to_string(id.sequence) : ToString(id);
}

}  // namespace belfry
