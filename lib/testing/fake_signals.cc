#include "belfry/testing/fake_signals.h"

#include <string>

#include "belfry/ambient_context.h"
#include "belfry/dispatcher.h"
#include "belfry/testing/world.h"
#include "dispatch/backoff.h"

namespace belfry::testing {
namespace {

void Publish(World& world, int signal, Backoff backoff) {
  if (world.dispatcher().closed()) return;
  const AmbientScope from_outside{AmbientContext()};
  const PublishResult result =
      world.dispatcher().Publish(SignalReceived{signal}, {.cause = Cause{}});
  if (result.ok() || !MayBeAcceptedLater(result)) return;
  const Nanoseconds pause = backoff.Next();
  world.FinishLater("signal " + std::to_string(signal), pause,
                    [&world, signal, backoff] { Publish(world, signal, backoff); });
}

}  // namespace

void Raise(World& world, int signal) {
  world.FinishLater("signal " + std::to_string(signal),
                    [&world, signal] { Publish(world, signal, Backoff()); });
}

}  // namespace belfry::testing
