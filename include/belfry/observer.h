// Sees what becomes of every event of a dispatcher: for tests, and for tools that show causes.
//
//   struct Trace final : belfry::Observer {
//     void Published(const belfry::Envelope& envelope, const std::shared_ptr<const void>&,
//                    const Who& by) noexcept override {
//       Show(by.name, envelope.type().name());
//     }
//   };
//   Trace trace;
//   belfry::Dispatcher dispatcher({.observer = &trace});
#pragma once

#include <memory>
#include <string_view>

#include "belfry/any_event.h"
#include "belfry/envelope.h"
#include "belfry/export.h"
#include "belfry/publish_outcome.h"
#include "belfry/publish_result.h"

namespace belfry {

// Unlike an interceptor it changes nothing, and sees the library's own events as well, and those
// deliveries that never come to a listener's callable. It costs every event an allocation or two,
// and the short ways; without one this costs nothing.
//
// Thread safety: called where it happens, on several threads at once, under no lock.
// Order: Published before all else of that event. Of one delivery: begun, failed attempts, ended.
// Lifetime: outlives the dispatcher, its publishers and subscriptions. What it is given lives for
// the length of a call.
// Blocking: whoever publishes or delivers waits for it. It may publish only elsewhere.
class BELFRY_EXPORT Observer {
 public:
  virtual ~Observer() = default;

  // A listener; id 0 is none.
  struct Who {
    ListenerId id = 0;
    std::string_view name{};
  };

  // It is accepted. `by`: in whose delivery it was published. Who holds `event` keeps it.
  virtual void Published(const Envelope& /*envelope*/, const std::shared_ptr<const void>& /*event*/,
                         const Who& /*by*/) noexcept {}
  // It is not.
  virtual void Refused(const AnyEvent& /*event*/, PublishResult /*why*/,
                       const Who& /*by*/) noexcept {}
  // Nobody listens to it.
  virtual void Orphaned(const Envelope& /*envelope*/) noexcept {}

  // An attempt at a delivery begins: what stands around the callable is about to run.
  virtual void DeliveryBegun(const Envelope& /*envelope*/, const Who& /*listener*/) noexcept {}
  // There will be another one.
  virtual void AttemptFailed(const Envelope& /*envelope*/, const Who& /*listener*/,
                             std::string_view /*what*/) noexcept {}
  // Of whatever kind but kRefused, whether it has begun or not.
  virtual void DeliveryEnded(const Envelope& /*envelope*/, const Who& /*listener*/,
                             DeliveryOutcome::Kind /*how*/, std::string_view /*what*/) noexcept {}
};

}  // namespace belfry
