// Signals as events.
//
//   belfry::Signals signals(loop, dispatcher, {SIGTERM, SIGINT});   // before any thread is started
//   auto stop = dispatcher.Subscribe([&](const belfry::SignalReceived&) { loop.Stop(); });
#pragma once

#include <initializer_list>
#include <memory>

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

struct SignalReceived {
  int signal = 0;
};
BELFRY_EVENT_NAME(SignalReceived, "belfry.signal_received", 1);

// Blocks the signals in the calling thread, and so in those it starts later, and turns each into a
// SignalReceived on the loop's thread. Several of one kind that arrive at once may become one
// event, as they always may.
//
// Thread safety: the loop's thread; made and destroyed on one thread.
// Lifetime: the destructor unblocks what was blocked by this; a signal that is pending then takes
// its usual course.
// Errors: throws std::system_error when the system refuses a descriptor.
class BELFRY_EXPORT Signals {
 public:
  Signals(EventLoop& loop, Dispatcher& dispatcher, std::initializer_list<int> signals);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with itself: it may go inside one of its own events
};

}  // namespace belfry
