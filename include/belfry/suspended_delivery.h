// Deliveries that go on after their listener's callable has returned.
//
// Users need nothing from this header: see flow/task.h.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "belfry/export.h"
#include "belfry/failure.h"
#include "belfry/wait_text.h"
#include "belfry/waker.h"

namespace belfry {

// What a delivery has begun and not ended.
//
// Thread safety: but for WaitsFor one thread at a time, which is the delivery's: the calling one is
// in a frame of the listener's, and its event the cause of what is published.
class SuspendedDelivery {
 public:
  virtual ~SuspendedDelivery() = default;  // gives up what it waits for

  // Goes on until it has ended, or waits for a call of `waker`; nothing then. Throws what the
  // listener throws, and has ended by that.
  virtual std::optional<Failure> GoOn(const Waker& waker) = 0;

  // What it waits for: "a sleep of 5 s (signup.cc:31)". While it waits, from any thread, under a
  // lock.
  virtual void WaitsFor(WaitText& text) const = 0;
};

// Begins what the calling listener has returned, up to where it waits. By the dispatcher whose
// delivery the calling thread is in.
BELFRY_EXPORT Failure BeginSuspendable(std::unique_ptr<SuspendedDelivery> delivery);

// How what a listener returns becomes a SuspendedDelivery: `static std::unique_ptr<...> Of(R)`.
template <class R>
struct Suspendable {};
template <class R>
inline constexpr bool kIsSuspendable = requires {
  Suspendable<R>::Of(std::declval<R>());
};

}  // namespace belfry
