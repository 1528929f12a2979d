// What caused what: the graph around one event.
//
//   std::cout << belfry::DescribeCauses(ring.events(), order);
//
// of a ring (causes_ring.h), or of a test's record (testing/causes.h), prints
//
//   OrderPlaced #1
//   └─ PizzaBaked #2 by kitchen
//      └─ BellRung #3 by waiter
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "belfry/event_id.h"
#include "belfry/export.h"

namespace belfry {

// An event, and where it comes from.
struct TracedEvent {
  EventId id{};
  EventId cause{};        // in whose delivery it was published; none for a root
  EventId correlation{};  // the root of its story
  std::vector<EventId> links{};
  std::string name{};  // of its type, maybe with fields
  std::string by{};    // the listener that published it; "" if none did
};

enum class CauseFormat : std::uint8_t {
  kText,
  kJson,     // {"of": id, "events": [{"id", "cause", "correlation", "links", "name", "by"}]}
  kMermaid,  // a flowchart; links are dotted
};

// Of `events`, those that led to the event `id`, those that it led to, and itself: by causes and by
// links, however many steps away. As a text each stands below its cause; one whose cause is not
// among them says so.
//
// Thread safety: any thread. Throws std::bad_alloc.
BELFRY_EXPORT std::string DescribeCauses(const std::vector<TracedEvent>& events, EventId id,
                                         CauseFormat format = CauseFormat::kText);

}  // namespace belfry
