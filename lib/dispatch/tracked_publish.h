// A publish of which somebody wants to know how its deliveries end.
#pragma once

#include <memory>
#include <utility>

#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/publish_options.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/outcomes.h"

namespace belfry {

// Finishes `outcomes` when they all have, or it was refused.
inline PublishResult PublishTracked(DispatcherCore& core, EventType type, EventHandle handle,
                                    PublishOptions options, std::unique_ptr<Outcomes> outcomes) {
  const PublishResult result = core.Publish(type, handle, std::move(options), &outcomes);
  if (outcomes != nullptr) outcomes->Finish(result);  // no queued listener has got it
  return result;
}

}  // namespace belfry
