// The library's own events. Listen to them like to any other.
//
//   auto failures = dispatcher.Subscribe(
//       [](const belfry::ListenerFailed& f) { Alert(f.listener + ": " + f.what); });
//
// They never cause library events themselves, drop the oldest when their listener is slow, and are
// rate-limited: at most `kLibraryEventsPerSecond` a second of one kind for one listener or one
// event type; `suppressed` says how many were left out since the last one. The counters of Stats()
// leave nothing out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_id.h"
#include "belfry/event_type.h"
#include "belfry/publish_result.h"

namespace belfry {

inline constexpr std::uint64_t kLibraryEventsPerSecond = 64;

// A listener threw, or returned an error. Without a listener for this event the log hook is told.
struct ListenerFailed {
  std::string listener{};
  ListenerId listener_id = 0;
  EventType event_type;
  EventId event_id{};
  std::string what{};  // the exception's what(), or the status
  std::uint64_t suppressed = 0;
  unsigned attempt = 1;  // at this delivery
  bool final = true;     // it is not tried again
};
BELFRY_EVENT_NAME(ListenerFailed, "belfry.listener_failed", 1);

// An event was published that nobody listens to.
struct Orphaned {
  EventType event_type;
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(Orphaned, "belfry.orphaned", 1);

// A queue refused a publish: it is full, and may not be waited for, or the event would never fit.
struct PublishRefused {
  EventType event_type;
  std::string listener{};  // whose queue
  PublishResult result{};
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(PublishRefused, "belfry.publish_refused", 1);

// A listener lost an event, as its Overflow says it may, since its queue was full.
struct Dropped {
  EventType event_type;
  std::string listener{};
  ListenerId listener_id = 0;
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(Dropped, "belfry.dropped", 1);

// An event had waited for longer than its listener's deadline.
struct Expired {
  EventType event_type;
  std::string listener{};
  ListenerId listener_id = 0;
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(Expired, "belfry.expired", 1);

// A listener failed too often and was muted; see Quarantine.
struct ListenerQuarantined {
  EventType event_type;
  std::string listener{};
  ListenerId listener_id = 0;
  std::string what{};  // its last failure
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(ListenerQuarantined, "belfry.listener_quarantined", 1);

// A delivery has been running for longer than DispatcherOptions::slow_after. Told once of each,
// where the dispatcher's timers call back; not of one whose listener is being reset. Without a
// listener for this event the log hook is told, as it is on a synchronous dispatcher whose turn it
// is on another thread.
struct SlowListener {
  std::string listener{};
  ListenerId listener_id = 0;
  EventType event_type;
  std::int64_t thread = 0;    // the system's thread id
  Nanoseconds running_for{};  // at least
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(SlowListener, "belfry.slow_listener", 1);

// More listeners of one type live that were subscribed at one place in the source than
// DispatcherOptions::listeners_per_site_max: perhaps their subscriptions are kept where they should
// end. Told once for each place, when one that subscribes notices: at the latest when half as many
// again have come. Without a listener for this event the log hook is told.
struct ListenersPiledUp {
  EventType event_type;
  std::string file{};
  unsigned line = 0;
  std::uint64_t listeners = 0;
};
BELFRY_EVENT_NAME(ListenersPiledUp, "belfry.listeners_piled_up", 1);

// All threads of the executor were waiting while work was ready: a spare one was started.
struct SpareThreadStarted {
  unsigned spare_threads = 0;  // running now, this one included
  std::uint64_t suppressed = 0;
};
BELFRY_EVENT_NAME(SpareThreadStarted, "belfry.spare_thread_started", 1);

}  // namespace belfry
