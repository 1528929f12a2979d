// The right to publish.
//
//   button.on_click = [publisher = dispatcher.publisher()] { publisher.Publish(Clicked{}); };
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "belfry/completion.h"
#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/publish_options.h"
#include "belfry/publish_outcome.h"
#include "belfry/publish_result.h"

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

  EventId NewEventId() const;  // for an event that will be published: see PublishOptions::id

 protected:
  explicit Publisher(std::shared_ptr<DispatcherCore> core) : core_(std::move(core)) {}
  DispatcherCore& core() const { return *core_; }
  const std::shared_ptr<DispatcherCore>& shared_core() const { return core_; }

 private:
  PublishResult PublishErased(EventType type, EventHandle handle) const;
  PublishResult PublishErased(EventType type, EventHandle handle, PublishOptions options) const;
  Completion<PublishOutcome> TrackErased(EventType type, EventHandle handle,
                                         PublishOptions options) const;

  std::shared_ptr<DispatcherCore> core_;
};

}  // namespace belfry
