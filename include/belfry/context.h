// What a listener may know about the delivery it is in.
#pragma once

#include <string_view>

#include "belfry/envelope.h"
#include "belfry/export.h"
#include "belfry/publish_result.h"

namespace belfry {

class Dispatcher;

//   dispatcher.Subscribe([](const OrderPlaced& order, belfry::Context& context) {
//     log << ToString(context.envelope().id()) << order.pizza;
//   });
//
// Thread safety: the delivery's thread. Lifetime: the delivery.
class BELFRY_EXPORT Context {
 public:
  Context(Dispatcher& dispatcher, const Envelope& envelope, ListenerId listener,
          std::string_view listener_name)
      : dispatcher_(dispatcher),
        envelope_(envelope),
        listener_(listener),
        listener_name_(listener_name) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Dispatcher& dispatcher() const { return dispatcher_; }
  const Envelope& envelope() const { return envelope_; }
  ListenerId listener() const { return listener_; }
  std::string_view listener_name() const { return listener_name_; }

 private:
  Dispatcher& dispatcher_;
  const Envelope& envelope_;
  const ListenerId listener_;
  const std::string_view listener_name_;
};

}  // namespace belfry
