// Publishing, and waiting until certain listeners have handled it.
//
//   belfry::PublishUntil(dispatcher, UserRenamed{7, "Ada"}, {"read_model.users"})
//       .Then([&](const belfry::UntilOutcome& renamed) {
//         if (renamed.ok()) ShowUser(7);  // by the read model, which knows of it now
//       });
#pragma once

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/completion.h"
#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/publish_options.h"
#include "belfry/publish_outcome.h"
#include "belfry/publish_result.h"
#include "belfry/publisher.h"
#include "belfry/status_fwd.h"

namespace belfry {

struct UntilOptions {
  // How long to wait, from when the event was accepted. Zero: for as long as it takes. Where nobody
  // calls back, on a synchronous dispatcher without timers, not longer than the publish.
  Nanoseconds within{};
  std::stop_token stop{};  // ends the waiting; the event stays published
  PublishOptions publish{};
};

// What has become of an event with the listeners that were named.
struct BELFRY_EXPORT UntilOutcome {
  PublishResult result{};
  std::vector<DeliveryOutcome> deliveries{};  // in the order in which they ended
  std::vector<std::string> unknown{};         // nobody of that name listens to such events
  std::vector<std::string> missing{};         // had not ended when the waiting did
  bool stopped = false;                       // the waiting, by UntilOptions::stop

  // Whether all of them have handled it.
  bool ok() const;
  // The same with words: what the publish was refused for, NOT_FOUND (unknown), DEADLINE_EXCEEDED
  // or CANCELLED (missing), ABORTED (one of them has not handled it).
  absl::Status status() const;
};

BELFRY_EXPORT Completion<UntilOutcome> PublishUntilErased(const Publisher& publisher,
                                                          EventType type, EventHandle event,
                                                          std::vector<std::string> listeners,
                                                          UntilOptions options);

// Publishes `event`, and finishes when every listener of one of these names has ended its delivery,
// retries included, whatever others do. Listeners of several types count as well. What is told
// (Completion::Then) is caused by the event.
//
// Thread safety: any thread, and inside any listener; inside a delivery to one of those listeners
// it waits in vain. Then is called on the thread of the last of them, in its delivery; when the
// time is up where the dispatcher's timers call back, so it must be quick.
// Blocking: as Publish; Completion::Wait as with Ask (ask.h). Each call looks through the names of
// all listeners of the event.
// Lifetime: when the dispatcher ends, what has not ended is cancelled.
// Errors: throws std::bad_alloc and what the event's move throws, with nothing published.
template <class Given>
Completion<UntilOutcome> PublishUntil(const Publisher& publisher, Given&& event,
                                      std::vector<std::string> listeners,
                                      UntilOptions options = {}) {
  return WithEvent(std::forward<Given>(event), [&](EventType type, EventHandle handle) {
    return PublishUntilErased(publisher, type, handle, std::move(listeners), std::move(options));
  });
}

}  // namespace belfry
