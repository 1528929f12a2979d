// What a publish may say beside the event.
#pragma once

#include <optional>
#include <vector>

#include "belfry/envelope.h"
#include "belfry/event_id.h"
#include "belfry/lane.h"

namespace belfry {

//   dispatcher.Publish(RequestReceived{"/"}, {.cause = Cause{}, .links = {connection_opened}});
struct PublishOptions {
  // Unset: the delivery that runs on this thread, if any. Cause{}: a story of its own.
  std::optional<Cause> cause{};
  EventId id{};  // set: as drawn from NewEventId
  std::vector<EventId> links{};
  std::vector<Header> headers{};
  // Handed on to all that is published in its deliveries, and what that causes, together with what
  // is handed on to itself from where it is published, see ambient_context.h; of two with one name
  // this, and the last one. A cause of its own makes no difference.
  std::vector<Header> baggage{};
  Lane lane = Lane::kNormal;
  // Kept until the next such event of its type, Publisher::ForgetSticky, or the end of the
  // dispatcher, for those who subscribe later; see ListenerOptions::sticky.
  bool sticky = false;
};

}  // namespace belfry
