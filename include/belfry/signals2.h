// The border to programs that use Boost.Signals2: a signal as a source of events, a slot as a
// listener. Needs Boost 1.81 or newer, and no other public header includes it.
//
//   boost::signals2::signal<void(int floor)> arrived;
//   auto source = belfry::PublishFrom(dispatcher, "lift", arrived,
//                                     [](int floor) { return LiftArrived{floor}; });
//   auto panel = belfry::SubscribeSlot<LiftArrived>(
//       dispatcher,
//       LiftSlot([](const LiftArrived& lift) { Show(lift.floor); }).track_foreign(window));
//
// And the life of a dispatcher as signals:
//
//   belfry::DispatcherSignals life;
//   life.subscribed().connect([](const belfry::ListenerInfo& l) { Note(l.name); });
//   belfry::Dispatcher watched({.life_cycle = life.hooks()});
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <boost/signals2/connection.hpp>
#include <boost/signals2/signal.hpp>
#include <boost/signals2/slot.hpp>

#include "belfry/dispatcher.h"
#include "belfry/life_cycle.h"
#include "belfry/publisher.h"

namespace belfry {

// A signal's connection to a dispatcher. Ends with it, or when the dispatcher shuts down.
//
// Thread safety: one thread at a time.
// Lifetime: may outlive the signal and the dispatcher. What the signal is emitting on other threads
// while the connection ends may still be published, as Boost.Signals2 does not wait for it.
class [[nodiscard]] SignalSource {
 public:
  SignalSource() = default;
  SignalSource(Source source, boost::signals2::scoped_connection connection)
      : connection_(std::move(connection)), source_(std::move(source)) {}

  bool connected() const { return connection_.connected(); }

 private:
  boost::signals2::scoped_connection connection_;
  Source source_;
};

// From now on each emission of `signal` publishes what `make` returns for its arguments, on the
// emitting thread and before later slots are called. What the dispatcher refuses is counted and
// told there (PublishRefused): a signal has nobody to tell. What `make` throws, the emission
// throws. Of signals whose slots return void.
template <class... Args, class... Rest, class Make>
SignalSource PublishFrom(Dispatcher& dispatcher, std::string name,
                         boost::signals2::signal<void(Args...), Rest...>& signal, Make make) {
  boost::signals2::connection connection =
      signal.connect([publisher = dispatcher.publisher(), make = std::move(make)](Args... args) {
        static_cast<void>(publisher.Publish(make(std::forward<Args>(args)...)));
      });
  boost::signals2::scoped_connection ends(connection);
  Source source = dispatcher.AddSource(std::move(name), [connection] { connection.disconnect(); });
  return {std::move(source), std::move(ends)};
}

// The same for a signal whose one argument is the event.
template <class E, class... Rest>
SignalSource PublishFrom(Dispatcher& dispatcher, std::string name,
                         boost::signals2::signal<void(const E&), Rest...>& signal) {
  return PublishFrom(dispatcher, std::move(name), signal, [](const E& event) { return event; });
}

// A slot as a listener. What the slot tracks is locked for the length of each call; once one of
// these objects is gone the slot is not called any more. It stays subscribed, and handles events by
// doing nothing, until the subscription ends.
template <class E, class F>
Subscription SubscribeSlot(Dispatcher& dispatcher, boost::signals2::slot<void(const E&), F> slot,
                           ListenerOptions options = {}, Site site = Site::Here()) {
  return dispatcher.Subscribe<E>(
      [slot = std::move(slot)](const E& event) {
        try {
          slot(event);
        } catch (const boost::signals2::expired_slot&) {
          return;
        }
      },
      std::move(options), site);
}

// The life of a dispatcher, or of several, as signals: see LifeCycleHooks for when they are
// emitted, on which thread, and what slots may do. Emissions on several threads may overlap.
//
// Thread safety: that of the signals: any thread.
// Lifetime: the signals live as long as this and the dispatchers that have its hooks.
class DispatcherSignals {
 public:
  using ListenerSignal = boost::signals2::signal<void(const ListenerInfo&)>;
  using StateSignal = boost::signals2::signal<void(DispatcherState)>;

  ListenerSignal& subscribed() { return signals_->subscribed; }
  ListenerSignal& unsubscribed() { return signals_->unsubscribed; }
  StateSignal& state_changed() { return signals_->state_changed; }

  // For DispatcherOptions::life_cycle.
  LifeCycleHooks hooks() const {
    return {[signals = signals_](const ListenerInfo& listener) { signals->subscribed(listener); },
            [signals = signals_](const ListenerInfo& listener) { signals->unsubscribed(listener); },
            [signals = signals_](DispatcherState state) { signals->state_changed(state); }};
  }

 private:
  struct Signals {
    ListenerSignal subscribed;
    ListenerSignal unsubscribed;
    StateSignal state_changed;
  };
  std::shared_ptr<Signals> signals_ = std::make_shared<Signals>();
};

}  // namespace belfry
