// What became of a publish, in one word.
#pragma once

#include <cstdint>

#include "belfry/export.h"
#include "belfry/status_fwd.h"

namespace belfry {

// Names one listener. Never used again in a process; 0 names none.
using ListenerId = std::uint64_t;

// Whether an event was accepted, and if not, why. Once accepted, nothing stops its delivery to
// every listener of its listener set; refused, it reached none of them and the event was not moved
// from.
//
// Thread safety: a value, one word.
class BELFRY_EXPORT PublishResult {
 public:
  enum class Code : std::uint8_t {
    kAccepted,
    kClosed,         // the dispatcher is shutting down, or has
    kQueueFull,      // a listener's queue is full and its policy, or its patience, says no
    kTooLarge,       // larger than all that a listener's queue ever holds
    kWouldDeadlock,  // its policy is to wait, but this thread is one that empties queues
    kTooDeep,        // inline listeners or interceptors that publish, deeper than depth_max
    kOutOfMemory,
    kIntercepted,     // an interceptor did not want it
    kTooMuchBaggage,  // more than an event may carry, see kBaggageEntriesMax
    kNoTimers,        // to be published later by a synchronous dispatcher that nobody calls back
    kForked,          // in a child of fork(), which has none of the threads
  };

  PublishResult() = default;
  PublishResult(Code code, ListenerId refuser)
      : word_(refuser << 8 | static_cast<std::uint64_t>(code)) {}

  bool ok() const { return word_ == 0; }
  explicit operator bool() const { return ok(); }
  Code code() const { return static_cast<Code>(word_ & 0xff); }
  // Whose queue refused (kQueueFull, kTooLarge, kWouldDeadlock); 0 otherwise.
  ListenerId refuser() const { return word_ >> 8; }

  // The same with words: OK, FAILED_PRECONDITION (closed, forked, no timers), RESOURCE_EXHAUSTED
  // (queue full, too deep, memory), ABORTED (would deadlock), PERMISSION_DENIED (intercepted),
  // INVALID_ARGUMENT (too much baggage).
  absl::Status status() const;

 private:
  std::uint64_t word_ = 0;
};

}  // namespace belfry
