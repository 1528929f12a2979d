// What has happened, as a text.
#pragma once

#include <string>
#include <string_view>

#include "belfry/export.h"
#include "belfry/publish_outcome.h"
#include "belfry/testing/recorder.h"

namespace belfry::testing {

// As a verb in front of an event: "handled", "failed on", "did not get", ...
BELFRY_EXPORT std::string_view ToString(DeliveryOutcome::Kind how);

// A line for each thing that happened, with its time: what was published by whom, indented below
// what caused it, and how each delivery ended. Long ones are cut in the middle, and say so.
BELFRY_EXPORT std::string TellStory(const Record& record);

// One event: its name and, where the test has named its type (ShowsAs, show.h), its fields.
BELFRY_EXPORT std::string Show(const RecordedEvent& event);

}  // namespace belfry::testing
