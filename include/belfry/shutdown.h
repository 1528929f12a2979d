// The end of a dispatcher.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_id.h"
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

// One that goes on later, as a coroutine's does while it waits.
struct WaitingDelivery {
  std::string listener{};  // also one that is detached
  EventType event_type;
  EventId event{};
  std::string waits_for{};  // "a sleep of 5 s (signup.cc:31)"; empty: for its turn
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
  std::vector<WaitingDelivery> waiting{};  // of each listener the first 16 of them
};

// For logs: "drained"; 'listener "mail" on shop.OrderPlaced, thread 4711, for 1203 ms or longer';
// 'listener "story" on shop.OrderPlaced 4f1c9a02d3e7b856-12, waits for a sleep of 5 s (a.cc:31)';
// and "shutdown not complete; 5 cancelled; 1 still running; 2 waiting", with a line for each.
// The form may change with every version. Throw std::bad_alloc.
BELFRY_EXPORT std::string_view ToString(DrainResult result);
BELFRY_EXPORT std::string ToString(const StuckDelivery& delivery);
BELFRY_EXPORT std::string ToString(const WaitingDelivery& delivery);
BELFRY_EXPORT std::string ToString(const ShutdownReport& report);

}  // namespace belfry
