#include "belfry/testing/causes.h"

#include "belfry/testing/story.h"

namespace belfry::testing {

std::vector<TracedEvent> CausesIn(const Record& record) {
  std::vector<TracedEvent> events;
  for (const RecordedEvent& event : record.events) {
    if (!event.result.ok()) continue;
    events.push_back({.id = event.id,
                      .cause = event.cause,
                      .correlation = event.correlation,
                      .links = event.links,
                      .name = Show(event),
                      .by = event.by});
  }
  return events;
}

std::string DescribeCauses(const Record& record, EventId id, CauseFormat format) {
  return belfry::DescribeCauses(CausesIn(record), id, format);
}

}  // namespace belfry::testing
