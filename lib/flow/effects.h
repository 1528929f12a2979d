// What is done because of an event that is about to be published.
#pragma once

#include "belfry/ambient_context.h"
#include "belfry/envelope.h"
#include "belfry/publish_options.h"
#include "dispatch/dispatcher_core.h"

namespace belfry {

// Its context, with the event for a cause and what that hands on. Draws the event's id, if the
// options name none. Throws std::bad_alloc.
inline AmbientContext EffectsOf(DispatcherCore& core, PublishOptions& options) {
  if (!options.id) options.id = core.ids().Next();
  const Cause cause = options.cause.has_value() ? *options.cause : Cause::Current();
  const CauseScope scope({cause.correlation ? cause.correlation : options.id, options.id});
  AmbientContext effects = AmbientContext::Current();
  // More than an event may carry: the publish is refused for that.
  if (!options.baggage.empty()) static_cast<void>(effects.Carry(options.baggage));
  return effects;
}

}  // namespace belfry
