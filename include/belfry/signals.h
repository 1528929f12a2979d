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
// SignalReceived on the loop's thread. Several of one kind that arrive at once may become one event,
// as they always may.
//
// Thread safety: the loop's thread. Lifetime: the destructor unblocks what it blocked.
// Errors: throws std::system_error when the system refuses a descriptor.
class BELFRY_EXPORT Signals {
 public:
  Signals(EventLoop& loop, Dispatcher& dispatcher, std::initializer_list<int> signals);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
