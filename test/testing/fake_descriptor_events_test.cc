// Descriptors that are ready when the test says so.

#include "belfry/testing/fake_descriptor_events.h"

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "belfry/testing/world.h"

namespace belfry::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeDescriptorEventsTest : public ::testing::Test {
 protected:
  void Listen(ListenerOptions options = {}) {
    listener_ = world.dispatcher().Subscribe([this](const FdReady& e) { seen.push_back(e.ready); },
                                             std::move(options));
  }

  World world;
  std::unique_ptr<FakeDescriptorEvents> descriptors = std::make_unique<FakeDescriptorEvents>(world);
  std::vector<Readiness> seen;

 private:
  Subscription listener_;
};

TEST_F(FakeDescriptorEventsTest, WhatIsWatchedForIsToldOnce) {
  Listen();
  descriptors->Watch(7, Interest::kReadable);
  EXPECT_TRUE(descriptors->watched(7));
  descriptors->SetReady(7, {.readable = true, .writable = true});
  EXPECT_THAT(world.waiting(), ElementsAre("descriptor 7 is ready"));
  world.Run();
  EXPECT_THAT(seen, ElementsAre(Readiness{.readable = true}));
  descriptors->Unwatch(7);
  descriptors->Watch(7, Interest::kWritable);
  world.Run();
  EXPECT_THAT(seen, ElementsAre(Readiness{.readable = true}, Readiness{.writable = true}));
}

TEST_F(FakeDescriptorEventsTest, AHangUpIsToldWhateverItIsWatchedFor) {
  Listen();
  descriptors->Watch(7, Interest::kNone);
  descriptors->SetReady(7, {.hung_up = true});
  world.Run();
  EXPECT_THAT(seen, ElementsAre(Readiness{.hung_up = true}));
}

TEST_F(FakeDescriptorEventsTest, OneThatIsNotWatchedStaysReadyUntilItIs) {
  Listen();
  descriptors->SetReady(7, {.readable = true});
  world.Run();
  EXPECT_THAT(seen, IsEmpty());
  descriptors->Watch(7, Interest::kReadable);
  descriptors->Unwatch(7);
  EXPECT_THAT(world.waiting(), IsEmpty());
  descriptors->Watch(7, Interest::kReadable);
  world.Run();
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(FakeDescriptorEventsTest, TheNextEventWaitsUntilEveryListenerIsDone) {
  Listen({.run = Run::kInline});
  const Subscription slow = world.dispatcher().Subscribe([](const FdReady&) {}, {.name = "slow"});
  descriptors->Watch(7, Interest::kReadable);
  descriptors->SetReady(7, {.readable = true});
  world.faults().Delay("slow", 1, milliseconds(10));
  world.Run();
  descriptors->SetReady(7, {.readable = true});
  world.Run();
  EXPECT_EQ(seen.size(), 1U);
  world.RunFor(milliseconds(10));
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(FakeDescriptorEventsTest, WhereNobodyListensItIsToldAgainAfterAWhile) {
  descriptors->Watch(7, Interest::kReadable);
  descriptors->SetReady(7, {.readable = true});
  world.Run();
  Listen();
  world.RunFor(milliseconds(49));
  EXPECT_THAT(seen, IsEmpty());
  world.RunFor(milliseconds(1));
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(FakeDescriptorEventsTest, ItMayGoInsideItsOwnEvents) {
  const Subscription destroys = world.dispatcher().Subscribe(
      [this](const FdReady& e) {
        descriptors->Unwatch(e.fd);
        descriptors.reset();
      },
      {.run = Run::kInline});
  descriptors->Watch(7, Interest::kReadable);
  descriptors->Watch(8, Interest::kReadable);
  EXPECT_THROW(descriptors->Watch(8, Interest::kReadable), std::system_error);
  descriptors->SetReady(7, {.readable = true});
  descriptors->SetReady(8, {.readable = true});
  world.Run();
  EXPECT_EQ(descriptors, nullptr);
  EXPECT_EQ(world.record().events.size(), 1U);
}

}  // namespace
}  // namespace belfry::testing
