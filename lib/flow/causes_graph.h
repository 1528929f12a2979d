// An event, what led to it, and what it led to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "belfry/event_id.h"
#include "belfry/flow/causes.h"

namespace belfry {

// Thread safety: none needed, it does not change. Lifetime: that of the events.
class CauseGraph {
 public:
  CauseGraph(const std::vector<TracedEvent>& events, EventId id);

  bool Has(EventId id) const { return chosen_.count(id) > 0; }
  const std::vector<const TracedEvent*>& events() const { return events_; }  // by their ids
  // Those whose cause is not among them.
  const std::vector<const TracedEvent*>& roots() const { return roots_; }
  // Those that were published in its deliveries.
  const std::vector<const TracedEvent*>& EffectsOf(EventId id) const;
  // "#7"; of another dispatcher than the event asked for the whole id.
  std::string Number(EventId id) const;

 private:
  using Edges = std::map<EventId, std::vector<EventId>>;

  void Follow(const Edges& edges, EventId from);

  const EventId id_;
  std::map<EventId, const TracedEvent*> all_;
  std::map<EventId, const TracedEvent*> chosen_;
  std::vector<const TracedEvent*> events_;
  std::vector<const TracedEvent*> roots_;
  std::map<EventId, std::vector<const TracedEvent*>> effects_;
};

}  // namespace belfry
