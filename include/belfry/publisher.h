// The right to publish.
//
//   button.on_click = [publisher = dispatcher.publisher()] { publisher.Publish(Clicked{}); };
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "belfry/clock.h"
#include "belfry/completion.h"
#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/held_event.h"
#include "belfry/publish_options.h"
#include "belfry/publish_outcome.h"
#include "belfry/publish_result.h"
#include "belfry/scheduled.h"

namespace belfry {

class DispatcherCore;

// What everybody may do with a dispatcher who has events for it. A dispatcher is one; a copy of it
// is for whoever may still be called when the dispatcher is gone.
//
// Thread safety: any thread, and inside any listener.
// Order: see Dispatcher.
// Lifetime: a copy may outlive the dispatcher, of which it then keeps a little memory, and is
// refused then (kClosed). A publish does not wait for the dispatcher's end.
class BELFRY_EXPORT Publisher {
 public:
  // Gives `event` to every listener of its type: an rvalue, moved to the heap if a queued listener
  // gets it, and only then; an lvalue, copied before anything else; or a std::shared_ptr<const E>,
  // whose event is shared. Inline listeners have run when it returns.
  // Blocking: where a listener's queue is full and its policy is to wait; never on a thread that
  // runs an executor's work: there the result is kWouldDeadlock.
  // Errors: see PublishResult::Code. What the event's move constructor throws passes through,
  // with nothing published. A type's first publish may throw std::bad_alloc. A null pointer aborts.
  template <class E>
  PublishResult Publish(E&& event) const {
    return WithEvent(std::forward<E>(event), [this](EventType type, EventHandle handle) {
      return PublishErased(type, handle);
    });
  }
  template <class E>
  PublishResult Publish(E&& event, PublishOptions options) const {
    return WithEvent(std::forward<E>(event), [&](EventType type, EventHandle handle) {
      return PublishErased(type, handle, std::move(options));
    });
  }
  // The same for an event made from `args`; one that cannot be moved is made on the heap.
  template <class E, class... Args>
  PublishResult Emplace(Args&&... args) const {
    if constexpr (std::is_move_constructible_v<E>) {
      return Publish(E{std::forward<Args>(args)...});
    } else {
      return Publish(std::shared_ptr<const E>(new E{std::forward<Args>(args)...}));
    }
  }
  // Publishes, and finishes when every delivery of the event has ended, or it was refused. Inside
  // one of these deliveries that is waited for in vain. Throws std::bad_alloc, with nothing
  // published.
  template <class E>
  Completion<PublishOutcome> PublishTracked(E&& event, PublishOptions options = {}) const {
    return WithEvent(std::forward<E>(event), [&](EventType type, EventHandle handle) {
      return TrackErased(type, handle, std::move(options));
    });
  }

  // Publishes `delay` from now, on the dispatcher's executor; a synchronous dispatcher where its
  // timers call back; no order between events that are due at nearly the same time. What has no
  // room then is tried again, until it has. Inside a delivery that is the event's cause. At a
  // shutdown it is let go of, and counted in the report.
  // Errors: see Scheduled::result. Throws std::bad_alloc, std::system_error (a thread of its own
  // cannot be started) and what the event's move throws, with nothing scheduled.
  template <class E>
  Scheduled PublishAfter(Nanoseconds delay, E&& event, PublishOptions options = {}) const {
    return ScheduleErased(delay, HoldEvent(std::forward<E>(event)), std::move(options));
  }
  // The same at a time of the dispatcher's wall clock, which is read now: when that is set anew
  // meanwhile it makes no difference.
  template <class E>
  Scheduled PublishAt(WallTime time, E&& event, PublishOptions options = {}) const {
    return ScheduleErased(DelayUntil(time), HoldEvent(std::forward<E>(event)), std::move(options));
  }

  // Whether there was a sticky event of that type, which is not given to those who subscribe from
  // now on; see PublishOptions::sticky.
  template <class E>
  bool ForgetSticky() const {
    return ForgetSticky(EventTypeOf<E>());
  }

  EventId NewEventId() const;  // for an event that will be published: see PublishOptions::id

 protected:
  explicit Publisher(std::shared_ptr<DispatcherCore> core) : core_(std::move(core)) {}
  DispatcherCore& core() const { return *core_; }
  const std::shared_ptr<DispatcherCore>& shared_core() const { return core_; }

 private:
  friend class Batch;
  friend struct CoreAccess;
  PublishResult PublishErased(EventType type, EventHandle handle) const;
  PublishResult PublishErased(EventType type, EventHandle handle, PublishOptions options) const;
  Completion<PublishOutcome> TrackErased(EventType type, EventHandle handle,
                                         PublishOptions options) const;
  bool ForgetSticky(EventType type) const;
  Nanoseconds DelayUntil(WallTime time) const;
  Scheduled ScheduleErased(Nanoseconds delay, std::unique_ptr<HeldEvent> event,
                           PublishOptions options) const;

  std::shared_ptr<DispatcherCore> core_;
};

}  // namespace belfry
