// Readiness of descriptors, for a test's world: the test says which are ready.
//
//   belfry::testing::World world;
//   belfry::testing::FakeDescriptorEvents descriptors(world);
//   auto wiring = WireBell(world.dispatcher(), descriptors, rang);  // as the program does
//   descriptors.SetReady(7, {.readable = true});
//   world.Run();
//   EXPECT_EQ(rang, 1);
#pragma once

#include <memory>

#include "belfry/descriptor_events.h"
#include "belfry/export.h"
#include "belfry/watch.h"

namespace belfry::testing {

class World;

// DescriptorEvents without descriptors: each FdReady is published as a step of the world, where the
// program watches for it, and the next one when its listeners are done. Any number may be watched;
// it is not used.
//
// A listener that got the event has dealt with it: the descriptor is not ready any more. With a
// real one that lasts until it has been read.
//
// Thread safety: the world's thread. Lifetime: ends before its world.
class BELFRY_EXPORT FakeDescriptorEvents final : public DescriptorEvents {
 public:
  explicit FakeDescriptorEvents(World& world);
  ~FakeDescriptorEvents() override;

  // In addition to what it is ready for already. One that is not watched, or not for that, stays
  // ready until it is; an error or a hang-up is told whatever it is watched for.
  void SetReady(int fd, Readiness ready);
  bool watched(int fd) const;

  // --- The program's ---
  // Errors: throws std::system_error, EEXIST.
  void Watch(int fd, Interest interest) override;
  void Unwatch(int fd) override;

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;  // shared with itself: it may go inside one of its own events
};

}  // namespace belfry::testing
