// What a thread is in the middle of, to go on with it on another one.
//
//   std::thread resizing([&dispatcher, context = belfry::AmbientContext::Current()] {
//     const belfry::AmbientScope scope(context);  // as in the delivery in which it was captured
//     dispatcher.Publish(ImageResized{});
//   });
//
// Belfry does so itself with all that it queues, retries, publishes later or reads from files.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "belfry/envelope.h"
#include "belfry/export.h"

namespace belfry {

// A cause and baggage. A default one: none of both.
//
// Thread safety: a value; copies share the baggage, which does not change.
class BELFRY_EXPORT AmbientContext {
 public:
  AmbientContext() = default;
  explicit AmbientContext(const Cause& cause) : cause_(cause) {}

  // Of what is published by the calling thread now: in a delivery its event's, else what a scope
  // says.
  static AmbientContext Current();

  const Cause& cause() const { return cause_; }
  std::span<const Header> baggage() const;
  const SharedBaggage& shared_baggage() const { return baggage_; }

  // Adds to the baggage, or replaces what has the same name. False, with nothing changed, when that
  // would be more than an event may carry. Throws std::bad_alloc.
  [[nodiscard]] bool Carry(std::vector<Header> added);

 private:
  Cause cause_;
  SharedBaggage baggage_;
};

// Makes a context the current one of this thread: what is published has its cause and its baggage,
// and no other. Scopes of one thread, CauseScopes among them, end in reverse order.
class BELFRY_EXPORT AmbientScope {
 public:
  explicit AmbientScope(AmbientContext context)
      : context_(std::move(context)),
        scope_(context_.cause(), &context_.shared_baggage(), nullptr) {}
  AmbientScope(const AmbientScope&) = delete;
  AmbientScope& operator=(const AmbientScope&) = delete;

 private:
  const AmbientContext context_;
  const CauseScope scope_;
};

}  // namespace belfry
