// The end of a dispatcher.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

enum class DrainResult { kDrained, kTimedOut, kWouldDeadlock };

enum class ShutdownMode {
  kDrain,    // what was accepted is delivered, and what its listeners publish meanwhile
  kDiscard,  // what is queued is cancelled and counted; what runs is waited for
};

// A delivery that had not ended when somebody looked, of a listener that is still subscribed.
struct StuckDelivery {
  std::string listener{};
  EventType event_type;
  std::int64_t thread = 0;    // the system's thread id
  Nanoseconds running_for{};  // at least: since Shutdown, or who asks, began to watch
};

struct ShutdownReport {
  // Everything ended in time. Otherwise the dispatcher stays closed, nothing was destroyed, and
  // Shutdown may be called again.
  bool complete = false;
  // Called from a listener: the intake is closed, the rest is done by the next call from outside.
  bool requested_only = false;
  std::uint64_t cancelled = 0;    // deliveries, by this call, of those still subscribed
  std::uint64_t unpublished = 0;  // events that were to be published later
  // Deliveries not yet started at the deadline, or waiting to be tried again.
  std::uint64_t queued = 0;
  std::vector<StuckDelivery> stuck{};
};

// For logs: "drained"; 'listener "mail" on shop.OrderPlaced, thread 4711, for 1203 ms or longer';
// and "shutdown not complete; 5 cancelled; 1 still running", with a line for each of these.
// The form may change with every version. Throw std::bad_alloc.
BELFRY_EXPORT std::string_view ToString(DrainResult result);
BELFRY_EXPORT std::string ToString(const StuckDelivery& delivery);
BELFRY_EXPORT std::string ToString(const ShutdownReport& report);

}  // namespace belfry
