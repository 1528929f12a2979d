// What became of one publish, listener by listener.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "belfry/publish_result.h"

namespace belfry {

// One delivery, ended.
struct DeliveryOutcome {
  enum class Kind {
    kHandled,
    kFailed,     // `what` says why
    kFiltered,   // the listener was muted, or did not want it: `what` says which
    kRefused,    // it had no room, so nobody has got the event; the one waited for, and all others
    kDropped,    // there was no room for it; see Overflow
    kCoalesced,  // another event with the same key took its place
    kExpired,    // it had waited for longer than the listener's deadline
    kCancelled,  // the listener was reset, or the dispatcher shut down, before
  };
  ListenerId listener = 0;
  std::string name{};
  Kind kind = Kind::kHandled;
  std::string what{};
};

// A publish whose deliveries have all ended. Inline listeners that were reset before their turn are
// not in it.
struct PublishOutcome {
  PublishResult result{};
  std::vector<DeliveryOutcome> deliveries{};  // in the order in which they ended
  std::uint64_t unrecorded = 0;               // deliveries that there was no memory to tell of

  // Whether it was accepted, and everybody who got it handled it.
  bool ok() const {
    return result.ok() && unrecorded == 0 &&
           std::all_of(deliveries.begin(), deliveries.end(), [](const DeliveryOutcome& delivery) {
             return delivery.kind == DeliveryOutcome::Kind::kHandled;
           });
  }
};

}  // namespace belfry
