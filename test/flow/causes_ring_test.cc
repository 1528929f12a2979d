// The latest events of each thread.

#include "belfry/flow/causes_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "belfry/dispatcher.h"
#include "waiting.h"

namespace belfry {
namespace {

using testing::ElementsAre;

struct Asked {};
struct Answered {};

std::vector<std::string> Names(const CauseRing& ring) {
  std::vector<std::string> names;
  for (const TracedEvent& event : ring.events()) {
    names.push_back(event.name.substr(event.name.rfind(':') + 1));
  }
  return names;
}

TEST(CauseRingTest, ItSeesWhatCausedWhatAndWhoPublishedIt) {
  CauseRing ring;
  Dispatcher dispatcher({.observer = &ring});
  const Subscription desk =
      dispatcher.Subscribe([](const Asked&) { return Answered{}; }, {.name = "desk"});
  const EventId connection = dispatcher.NewEventId();
  ASSERT_TRUE(dispatcher.Publish(Asked{}, {.links = {connection}}));
  ASSERT_EQ(dispatcher.Drain(kPatience), DrainResult::kDrained);
  const std::vector<TracedEvent> events = ring.events();
  EXPECT_THAT(Names(ring), ElementsAre("Asked", "Answered"));
  EXPECT_THAT(events[0].links, ElementsAre(connection));
  EXPECT_EQ(events[1].by, "desk");
  EXPECT_EQ(events[1].cause, events[0].id);
  EXPECT_EQ(events[1].correlation, events[0].id);
}

TEST(CauseRingTest, OfEachThreadItKeepsTheLatest) {
  CauseRing ring(3);
  Dispatcher dispatcher({.synchronous = true, .observer = &ring});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(dispatcher.Publish(Asked{}));
  ASSERT_TRUE(dispatcher.Publish(Answered{}));
  EXPECT_THAT(Names(ring), ElementsAre("Asked", "Asked", "Answered"));
  EXPECT_EQ(ring.events().back().id.sequence, ring.events().front().id.sequence + 2);
}

TEST(CauseRingTest, LinksAreBounded) {
  CauseRing ring;
  Dispatcher dispatcher({.synchronous = true, .observer = &ring});
  const std::vector<EventId> links(100, dispatcher.NewEventId());
  ASSERT_TRUE(dispatcher.Publish(Asked{}, {.links = links}));
  EXPECT_EQ(ring.events().at(0).links.size(), CauseRing::kLinksMax);
}

// A thread that comes takes over from one that has gone, so many threads need no more memory than
// those that there are at once.
TEST(CauseRingTest, WhatAThreadSaidOutlivesItUntilAnotherHasMoreToSay) {
  CauseRing ring(2);
  Dispatcher dispatcher({.synchronous = true, .observer = &ring});
  std::thread([&] { ASSERT_TRUE(dispatcher.Publish(Asked{})); }).join();
  EXPECT_THAT(Names(ring), ElementsAre("Asked"));
  for (int i = 0; i < 10; ++i) {
    std::thread([&] { ASSERT_TRUE(dispatcher.Publish(Answered{})); }).join();
  }
  EXPECT_THAT(Names(ring), ElementsAre("Answered", "Answered"));
}

TEST(CauseRingTest, AThreadMayPublishAtItsVeryEnd) {
  CauseRing ring;
  Dispatcher dispatcher({.synchronous = true, .observer = &ring});
  struct Farewell {
    ~Farewell() {
      if (to != nullptr) to->Publish(Answered{});
    }
    Dispatcher* to = nullptr;
  };
  std::thread([&] {
    static thread_local Farewell farewell;  // made first, so it goes last
    farewell.to = &dispatcher;
    ASSERT_TRUE(dispatcher.Publish(Asked{}));
  }).join();
  EXPECT_THAT(Names(ring), ElementsAre("Asked", "Answered"));
}

TEST(CauseRingTest, AThreadOutlivesRings) {
  for (int i = 0; i < 3; ++i) {
    const auto ring = std::make_unique<CauseRing>();
    Dispatcher dispatcher({.synchronous = true, .observer = ring.get()});
    ASSERT_TRUE(dispatcher.Publish(Asked{}));
    EXPECT_EQ(ring->events().size(), 1U);
  }
}

TEST(CauseRingTest, ItMayBeReadWhileThreadsPublish) {
  CauseRing ring(16);
  Dispatcher dispatcher({.pool = {.threads = 2}, .observer = &ring});
  const Subscription desk =
      dispatcher.Subscribe([](const Asked&) { return Answered{}; }, {.name = "desk"});
  std::atomic<bool> over{false};
  std::thread reader([&] {
    while (!over) {
      for (const TracedEvent& event : ring.events()) {
        ASSERT_TRUE(event.id);
        ASSERT_TRUE(event.name.ends_with("Asked") || event.name.ends_with("Answered"));
      }
    }
  });
  std::vector<std::thread> askers;
  for (int a = 0; a < 2; ++a) {
    askers.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) dispatcher.Publish(Asked{});
    });
  }
  for (std::thread& asker : askers) asker.join();
  ASSERT_EQ(dispatcher.Drain(kPatience), DrainResult::kDrained);
  over = true;
  reader.join();
}

}  // namespace
}  // namespace belfry
