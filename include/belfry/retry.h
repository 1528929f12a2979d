// How a listener tries again what it has failed on.
#pragma once

#include <chrono>

#include "belfry/clock.h"

namespace belfry {

//   auto mail = dispatcher.Subscribe(SendMail, {.retry = {.attempts_max = 5}});
//
// What is tried again: an exception, unless it is a std::logic_error (a bug does not go away), and
// a Status of which a later attempt may be the end: kUnavailable, kDeadlineExceeded,
// kResourceExhausted, kAborted, kInternal and kUnknown. The others are permanent, such as
// kInvalidArgument, kNotFound or kPermissionDenied.
//
// Delays double from attempt to attempt, and each is shortened by up to a half at random, so that
// what failed together does not come back together. An event that waits for its retry keeps its
// place in the queue's limits and is not dropped for another one; a newer one with its key may
// replace it (Overflow::Coalesce). ListenerFailed is told of each attempt. If the listener is muted
// when its time has come it has failed for good. Drain waits for it, as long as that takes.
struct Retry {
  unsigned attempts_max = 1;                           // in all; 1: no retry
  Nanoseconds delay = std::chrono::milliseconds(100);  // before the second attempt, at most
  Nanoseconds delay_max = std::chrono::seconds(30);
  // Until it is decided, nothing else of its key starts; without a key, nothing else of the
  // listener. Otherwise it comes behind what is queued by then.
  bool ordered = false;
};

}  // namespace belfry
