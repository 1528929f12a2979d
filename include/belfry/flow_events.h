// What the library says about flow, as events; like those of library_events.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "belfry/event_id.h"
#include "belfry/event_type.h"
#include "belfry/publish_result.h"

namespace belfry {

// How a composition ended for one key.
enum class CompositionEnd { kCompleted, kTimedOut, kGivenUp, kEvicted };

// A part came for a key whose composition had ended; see flow/compose.h. Nothing was done with it,
// but that it is undone if it can be and the others were.
struct CompositionLate {
  std::string composition{};
  std::string key{};
  std::string part{};
  EventId event_id{};
  CompositionEnd after{};
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(CompositionLate, "belfry.composition_late", 1);

// There were too many open: the oldest, which has only these parts, was given up.
struct CompositionEvicted {
  std::string composition{};
  std::string key{};
  std::vector<std::string> got{};
  std::vector<std::string> missing{};
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(CompositionEvicted, "belfry.composition_evicted", 1);

// An answer came when nobody waited for it any more: after the time-out, or after the asker had let
// go of it. See flow/answer.h. Caused by the query. Without a listener for this event the log hook
// is told.
struct AnswerLate {
  EventType query_type;
  EventId query_id{};
  std::string listener{};
  ListenerId listener_id = 0;
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(AnswerLate, "belfry.answer_late", 1);

}  // namespace belfry
