// Code around every publish and every delivery of a dispatcher.
//
//   belfry::Interceptor timing{
//       .around_publish =
//           [](const belfry::AnyEvent&, belfry::PublishOptions& options,
//              belfry::PublishNext& next) {
//             options.headers.push_back({"host", "till-3"});
//             return next();
//           },
//       .around_delivery =
//           [&](const belfry::AnyEvent& event, belfry::Context& context,
//               belfry::DeliveryNext& next) {
//             const auto start = std::chrono::steady_clock::now();
//             belfry::Failure failure = next();
//             Note(context.listener_name(), event.type().name(), start, bool{failure});
//             return failure;
//           }};
//   belfry::Dispatcher dispatcher({.interceptors = {timing}});
#pragma once

#include <functional>

#include "belfry/any_event.h"
#include "belfry/context.h"
#include "belfry/failure.h"
#include "belfry/publish_options.h"
#include "belfry/publish_result.h"

namespace belfry {

// Goes on with the next interceptor, behind the last one with the publish. To be called at most
// once (aborts), on the interceptor's thread, before it returns.
class PublishNext {
 public:
  virtual PublishResult operator()() = 0;

 protected:
  ~PublishNext() = default;
};

// The same with a delivery: behind the last interceptor comes the listener. How that ended, also by
// an exception, which does not pass. May be called again, for another call of the listener.
class DeliveryNext {
 public:
  virtual Failure operator()() = 0;

 protected:
  ~DeliveryNext() = default;
};

// What stands around the publishes and the deliveries of a dispatcher; either may be missing. The
// library's own events (library_events.h) are not intercepted.
//
// An event is there for the length of a call.
// Order: the first of DispatcherOptions::interceptors is the outermost, both ways.
// Thread safety: they are called on the threads that publish and deliver, on several at once.
// Under no lock. The end of the dispatcher waits for them; a Reset waits for what stands around its
// listener's deliveries.
// Lifetime: until the dispatcher and all of its publishers and subscriptions are gone.
struct Interceptor {
  // Around every publish that an open dispatcher is asked for: Publish, Emplace, PublishTracked,
  // each event of a Batch, what listeners return, and what PublishAfter has held, when its time has
  // come, again for each time that it is tried. What is delivered again, as a retry or as a dead
  // letter, is not published again.
  // Before `next` it may change the options: they are what the event gets. It refuses the event by
  // returning without a call of `next`: anything but what is accepted, which stands for
  // kIntercepted. What it throws then leaves Publish, with nothing published. After `next` the
  // publish is what it is, whatever this returns; what it throws goes to DispatcherOptions::log.
  std::function<PublishResult(const AnyEvent&, PublishOptions&, PublishNext& next)>
      around_publish{};

  // Around every call of a listener, each attempt at it. The filter, `once` and the owner have let
  // the event pass by then; retries, dead letters and quarantine come after it.
  // What it returns or throws is how the delivery ends; without a call of `next` it is counted as
  // filtered, unless it has failed. FailureOf makes a Failure of an absl::Status.
  std::function<Failure(const AnyEvent&, Context&, DeliveryNext& next)> around_delivery{};
};

}  // namespace belfry
