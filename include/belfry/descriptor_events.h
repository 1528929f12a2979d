// Readiness of any descriptor as events.
//
//   belfry::DescriptorEvents descriptors(loop, dispatcher);
//   auto read = dispatcher.Subscribe([&](const belfry::FdReady& e) { ReadFrom(e.fd); });
//   descriptors.Watch(bell, belfry::Interest::kReadable);
#pragma once

#include <memory>

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

struct FdReady {
  int fd = -1;
  Readiness ready{};
};
BELFRY_EVENT_NAME(FdReady, "belfry.fd_ready", 1);

// For what has no adapter of its own: whoever can read and publish what was read does that instead.
//
// A descriptor that was ready is watched again when every listener to its FdReady is done with it,
// wherever it ran; until then there is no other one. If nobody listens, or a queue is full, it is
// watched again after 50 ms. A hang-up that comes meanwhile is told then, with Interest::kNone as
// well. Each event starts a story of its own.
//
// Thread safety: the loop's thread; from inside its own events, too.
// Lifetime: the loop outlives the dispatcher. The destructor ends every watch; the descriptors stay
// their owners'. At the dispatcher's shutdown nothing more is published.
class BELFRY_EXPORT DescriptorEvents {
 public:
  DescriptorEvents(EventLoop& loop, Dispatcher& dispatcher);
  virtual ~DescriptorEvents();
  DescriptorEvents(const DescriptorEvents&) = delete;
  DescriptorEvents& operator=(const DescriptorEvents&) = delete;

  // Errors: throws std::system_error (EPERM: a regular file; EEXIST: it is watched; ENOMEM).
  virtual void Watch(int fd, Interest interest);
  // Before the descriptor is closed. No FdReady is published after this; one that was may still
  // reach queued listeners. One that is not watched is ignored.
  virtual void Unwatch(int fd);

 protected:
  DescriptorEvents() = default;  // of a test: all that is virtual is its own

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with itself: it may go inside one of its own events
};

}  // namespace belfry
