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
#include "belfry/context.h"
#include "belfry/dead_letters.h"
#include "belfry/dispatcher_options.h"
#include "belfry/event_selection.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/listener_body.h"
#include "belfry/listener_options.h"
#include "belfry/listener_signature.h"
#include "belfry/publisher.h"
#include "belfry/shutdown.h"
#include "belfry/source.h"
#include "belfry/stats.h"
#include "belfry/subscription.h"

namespace belfry {
// The subject: listeners subscribe to it, events are published through it.
// Thread safety: every method from any thread and from inside any listener, except where a method
// says otherwise. No user code runs under a lock of the library.
// Order: for one publishing thread and one listener, first in, first out. A queued listener never
// overlaps itself. If a listener that handles e1 publishes e2 of the same type, every queued
// listener that gets both starts e1 before e2. None between listeners of one event, except for
// inline ones where some ask for an order, and on a synchronous dispatcher: listener_order.h.
// Lifetime: the destructor discards what is queued and waits for what runs; called from one of its
// own listeners it aborts.
class BELFRY_EXPORT Dispatcher : public Publisher {
 public:
  // Throws std::system_error when a pool of its own cannot be started.
  explicit Dispatcher(DispatcherOptions options = {});
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Registers `listener`, a callable for `const E&` or `(const E&, Context&)` that returns void,
  // absl::Status, or events, which are published (returned_events.h); what it throws, or an error
  // it returns, is its own failure and nobody else's. E is read from its signature; name it for a
  // generic one: Subscribe<OrderPlaced>([](auto& e) ...). A listener whose subscription has begun
  // before a publish gets the event.
  // Errors: the subscription is empty and its status() says why. Throws std::bad_alloc and what the
  // callable's move throws. Nothing has changed then.
  template <class F>
  requires requires { typename EventOfListener<F>; }
  Subscription Subscribe(F listener, ListenerOptions options = {}, Site site = Site::Here()) {
    return Subscribe<EventOfListener<F>>(std::move(listener), std::move(options), site);
  }
  template <class E, class F>
  Subscription Subscribe(F listener, ListenerOptions options = {}, Site site = Site::Here()) {
    return AddListener(EventTypeOf<E>(), CallableHandle::Of<E>(listener), options, site);
  }

  // The same for a member function of `owner`, while that lives: see ListenerOptions::owner.
  //   auto moved = dispatcher.Subscribe(window, &Window::OnMoved);
  template <class T, class M>
  requires std::is_member_function_pointer_v<M> Subscription
  Subscribe(const std::shared_ptr<T>& owner, M member, ListenerOptions options = {},
            Site site = Site::Here()) {
    using E = EventOfListener<M>;
    options.owner = owner;
    T* const object = owner.get();
    if constexpr (std::is_invocable_v<M, T&, const E&, Context&>) {
      return Subscribe<E>(
          [object, member](const E& event, Context& context) {
            return (object->*member)(event, context);
          },
          std::move(options), site);
    } else {
      return Subscribe<E>([object, member](const E& event) { return (object->*member)(event); },
                          std::move(options), site);
    }
  }
  template <class T, class M>
  requires std::is_member_function_pointer_v<M> Subscription Subscribe(T*, M, ListenerOptions = {},
                                                                       Site = Site::Here()) {
    static_assert(
        !std::is_same_v<T, T>,
        "a raw pointer does not say how long its object lives: give a std::shared_ptr, or "
        "a lambda whose subscription is the object's last member");
    return {};
  }

  // The same for events of several types: see event_selection.h.
  template <class F>
  Subscription Subscribe(EventSelection selection, F listener, ListenerOptions options = {},
                         Site site = Site::Here()) {
    return AddListener(EventTypeOf<AnyEvent>(), CallableHandle::Of<AnyEvent>(listener), options,
                       site, std::make_unique<const EventSelection>(std::move(selection)));
  }
  template <class... E, class F>
  Subscription Subscribe(EventTypes<E...> types, F listener, ListenerOptions options = {},
                         Site site = Site::Here()) {
    TypeSwitch<F, E...> any(std::move(listener));
    return Subscribe(EventSelection(types), std::move(any), std::move(options), site);
  }

  Publisher publisher() const { return *this; }  // a copy of its right to, which may outlive it

  // Waits until nothing is queued, runs, or waits to be tried again; for ever if listeners keep
  // each other busy. Does not wait for what is to be published later.
  // Inside a listener or a forked child: kWouldDeadlock. Somebody else runs a ManualExecutor.
  // At the limit the next two say what runs, but not how long, and waits; GetStats what is queued.
  DrainResult Drain(std::optional<Nanoseconds> limit = std::nullopt);
  std::vector<StuckDelivery> RunningDeliveries() const;
  std::vector<WaitingDelivery> WaitingDeliveries() const;  // of each listener the first 16

  // Closes the intake, stops the sources, drains (what listeners publish is still accepted) or
  // discards, joins its own threads, and destroys the listeners, in this order. At the deadline it
  // gives up waiting and reports what is stuck. Idempotent; concurrent calls wait for the same end.
  // Inside a listener it only closes the intake; the next call from outside does the rest.
  ShutdownReport Shutdown(ShutdownMode mode, Nanoseconds deadline);

  bool closed() const;  // the intake is
  Stats GetStats() const;
  std::vector<std::string> ListenerNames(EventType type) const;  // in order of subscription
  DeadLetters dead_letters() const;  // what failed for good; see ListenerOptions::dead_letters

  // Registers what publishes from outside, see source.h; and what all of these wait for.
  Source AddSource(std::string name, std::function<void()> stop, WaitsFor waits_for = nullptr);
  std::vector<std::string> SourcesWaitFor() const;

  // Where queued listeners run. On a synchronous or closed dispatcher a bug (aborts).
  Executor& executor() const;
  const Clock& clock() const;
  Timers* timers() const;  // of delayed publishes; null where nobody calls back

 private:
  Subscription AddListener(EventType type, CallableHandle callable, ListenerOptions& options,
                           Site site, std::unique_ptr<const EventSelection> selection = nullptr);
};

}  // namespace belfry
