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
  Lane lane = Lane::kNormal;
  // Kept until the next such event of its type, Publisher::ForgetSticky, or the end of the
  // dispatcher, for those who subscribe later; see ListenerOptions::sticky.
  bool sticky = false;
};

}  // namespace belfry
