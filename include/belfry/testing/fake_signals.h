// Signals, for a test's world.
//
//   belfry::testing::Raise(world, SIGTERM);
#pragma once

#include "belfry/export.h"
#include "belfry/signals.h"

namespace belfry::testing {

class World;

// Publishes a SignalReceived as a step of the world, as belfry::Signals does when the process gets
// that signal. What a full queue refuses is published again.
//
// It cannot show: signals that nobody made into events, and so end the program; those of one kind
// that become one event because they came at once, unless the test raises one only.
//
// Thread safety: the world's thread.
BELFRY_EXPORT void Raise(World& world, int signal);

}  // namespace belfry::testing
