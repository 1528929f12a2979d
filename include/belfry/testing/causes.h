// What caused what in a test: see flow/causes.h.
//
//   std::cout << belfry::testing::DescribeCauses(world.record(), world.record().events[0].id);
#pragma once

#include <string>
#include <vector>

#include "belfry/event_id.h"
#include "belfry/export.h"
#include "belfry/flow/causes.h"
#include "belfry/testing/recorder.h"

namespace belfry::testing {

// The events of a record that were accepted; their names have the fields that tests show of them.
BELFRY_EXPORT std::vector<TracedEvent> CausesIn(const Record& record);

BELFRY_EXPORT std::string DescribeCauses(const Record& record, EventId id,
                                         CauseFormat format = CauseFormat::kText);

}  // namespace belfry::testing
