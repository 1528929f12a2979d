#include "belfry/testing/scenario.h"

namespace belfry::testing {

void ExpectPublished(World& world, EventType type, std::size_t before) {
  const Record record = world.record();
  for (std::size_t i = before; i < record.events.size(); ++i) {
    if (record.events[i].type != type || !record.events[i].by.empty()) continue;
    if (record.events[i].result.ok()) world.recorder().Expect(i);
    return;
  }
}

}  // namespace belfry::testing
