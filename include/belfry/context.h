// What a listener may know about the delivery it is in.
#pragma once

#include <string_view>

#include "belfry/envelope.h"
#include "belfry/export.h"
#include "belfry/publish_result.h"

namespace belfry {

class Dispatcher;
class Listener;

//   auto audit = dispatcher.Subscribe([&](const OrderPlaced& order, belfry::Context& context) {
//     log << ToString(context.envelope().id()) << ' ' << order.pizza << '\n';
//   });
//
// Thread safety: the delivery's thread. Lifetime: the delivery.
class BELFRY_EXPORT Context {
 public:
  Context(Dispatcher& dispatcher, const Envelope& envelope, const Listener& listener)
      : dispatcher_(dispatcher), envelope_(envelope), listener_(listener) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Dispatcher& dispatcher() const { return dispatcher_; }
  const Envelope& envelope() const { return envelope_; }
  ListenerId listener() const;
  // Made when first asked for, if the listener was given none; throws std::bad_alloc then.
  std::string_view listener_name() const;

 private:
  Dispatcher& dispatcher_;
  const Envelope& envelope_;
  const Listener& listener_;
};

}  // namespace belfry
