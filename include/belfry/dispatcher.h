// The dispatcher: typed, immutable events in, calls of registered listeners out.
//
//   struct Greeted { std::string name; };
//
//   belfry::Dispatcher dispatcher;
//   belfry::Subscription hello = dispatcher.Subscribe(
//       [](const Greeted& event) { std::cout << "Hello, " << event.name << "!\n"; });
//   dispatcher.Publish(Greeted{"world"});
//   dispatcher.Drain();
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/completion.h"
#include "belfry/context.h"
#include "belfry/dispatcher_options.h"
#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/listener_body.h"
#include "belfry/listener_options.h"
#include "belfry/listener_signature.h"
#include "belfry/publish_options.h"
#include "belfry/publish_outcome.h"
#include "belfry/publish_result.h"
#include "belfry/publisher.h"
#include "belfry/shutdown.h"
#include "belfry/source.h"
#include "belfry/stats.h"
#include "belfry/subscription.h"

namespace belfry {
class DispatcherCore;

// The subject: listeners subscribe to it, events are published through it.
// Thread safety: every method from any thread and from inside any listener, except where a method
// says otherwise. No user code runs under a lock of the library.
// Order: for one publishing thread and one listener, first in, first out. A queued listener never
// overlaps itself. If a listener that handles e1 publishes e2 of the same type, every queued
// listener that gets both starts e1 before e2. None between listeners of one event, except on a
// synchronous dispatcher, where they run in the order of their subscription.
// Lifetime: the destructor discards what is queued and waits for what runs; called from one of its
// own listeners it aborts.
class BELFRY_EXPORT Dispatcher {
 public:
  // Throws std::system_error when a pool of its own cannot be started.
  explicit Dispatcher(DispatcherOptions options = {});
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Registers `listener`, a callable for `const E&` or `(const E&, Context&)` that returns void
  // or absl::Status; what it throws, or an error it returns, is its own failure and nobody
  // else's. E is read from its signature; name it for a generic one:
  // Subscribe<OrderPlaced>([](auto& e) ...). A listener whose subscription has begun before a
  // publish gets the event.
  // Errors: the subscription is empty and its status() says why. Throws std::bad_alloc and what the
  // callable's move throws. Nothing has changed then.
  template <class F>
  requires requires { typename EventOfListener<F>; }
  Subscription Subscribe(F listener, ListenerOptions options = {}, Site site = Site::Here()) {
    return Subscribe<EventOfListener<F>>(std::move(listener), std::move(options), site);
  }
  template <class E, class F>
  Subscription Subscribe(F listener, ListenerOptions options = {}, Site site = Site::Here()) {
    return AddListener(EventTypeOf<E>(), CallableHandle::Of<E>(listener), std::move(options), site);
  }

  // Gives `event` to every listener of its type: an rvalue, moved to the heap if a queued listener
  // gets it, and only then; an lvalue, copied before anything else; or a std::shared_ptr<const E>,
  // whose event is shared. Inline listeners have run when it returns.
  // Blocking: where a listener's queue is full and its policy is to wait; never on a thread that
  // runs an executor's work: there the result is kWouldDeadlock.
  // Errors: see PublishResult::Code. What the event's move constructor throws passes through,
  // with nothing published. A type's first publish may throw std::bad_alloc. A null pointer aborts.
  template <class E>
  PublishResult Publish(E&& event) {
    return WithEvent(std::forward<E>(event), [this](EventType type, EventHandle handle) {
      return PublishErased(type, handle);
    });
  }
  template <class E>
  PublishResult Publish(E&& event, PublishOptions options) {
    return WithEvent(std::forward<E>(event), [&](EventType type, EventHandle handle) {
      return PublishErased(type, handle, std::move(options));
    });
  }
  // The same for an event made from `args`; one that cannot be moved is made on the heap.
  template <class E, class... Args>
  PublishResult Emplace(Args&&... args) {
    if constexpr (std::is_move_constructible_v<E>) {
      return Publish(E{std::forward<Args>(args)...});
    } else {
      return Publish(std::shared_ptr<const E>(new E{std::forward<Args>(args)...}));
    }
  }
  // Finishes when every delivery of the event has ended, or it was refused; inside one of them that
  // is waited for in vain. Throws std::bad_alloc, with nothing published.
  template <class E>
  Completion<PublishOutcome> PublishTracked(E&& event, PublishOptions options = {}) {
    return WithEvent(std::forward<E>(event), [&](EventType type, EventHandle handle) {
      return TrackErased(type, handle, std::move(options));
    });
  }

  Publisher publisher() const { return Publisher(core_); }  // for who may outlive the dispatcher
  EventId NewEventId();  // for an event that will be published: see PublishOptions::id

  // Waits until nothing is queued and nothing runs; for ever if listeners keep each other busy.
  // Inside a listener or a forked child: kWouldDeadlock. Somebody else runs a ManualExecutor.
  DrainResult Drain(std::optional<Nanoseconds> limit = std::nullopt);

  // Closes the intake, stops the sources, drains (what listeners publish is still accepted) or
  // discards, joins its own threads, and destroys the listeners, in this order. At the deadline it
  // gives up waiting and reports what is stuck. Idempotent; concurrent calls wait for the same end.
  // Inside a listener it only closes the intake; the next call from outside does the rest.
  ShutdownReport Shutdown(ShutdownMode mode, Nanoseconds deadline);

  bool closed() const;  // the intake is
  Stats GetStats() const;
  // The names of those subscribed to a type now, in order of subscription.
  std::vector<std::string> ListenerNames(EventType type) const;

  // Registers what publishes from outside. `stop` is called once, at Shutdown or at once after it,
  // latest registered first; it must not wait for the dispatcher.
  Source AddSource(std::string name, std::function<void()> stop);

  // Where queued listeners run. On a synchronous or closed dispatcher a bug (aborts).
  Executor& executor() const;
  const Clock& clock() const;

 private:
  Subscription AddListener(EventType type, CallableHandle callable, ListenerOptions options,
                           Site site);
  PublishResult PublishErased(EventType type, EventHandle handle);
  PublishResult PublishErased(EventType type, EventHandle handle, PublishOptions options);
  Completion<PublishOutcome> TrackErased(EventType type, EventHandle handle,
                                         PublishOptions options);

  std::shared_ptr<DispatcherCore> core_;
};

}  // namespace belfry
