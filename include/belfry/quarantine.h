// When a listener that fails is not called any more.
#pragma once

#include "belfry/clock.h"

namespace belfry {

//   auto ask = dispatcher.Subscribe(
//       AskRates, {.quarantine = {.failures = 10, .within = std::chrono::minutes(1)}});
//
// With so many failed attempts within that time a listener is muted, and ListenerQuarantined says
// so. From then on its events are counted as filtered, until Subscription::Unmute. For inline
// listeners, too.
struct Quarantine {
  unsigned failures = 0;  // 0: never
  Nanoseconds within{};
};

}  // namespace belfry
