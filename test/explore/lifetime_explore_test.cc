// What comes to its end while somebody waits, and what is used for the first time, under every
// schedule.

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "explore/explored_dispatcher.h"

namespace belfry::explore {
namespace {

// --- The first use ---

TEST(LifetimeExplored, ThreadsThatPublishForTheFirstTimeAreAllCounted) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Subscription listener = dispatcher.Subscribe([](const Note&) {}, Inline());
        const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); };
        publish();  // takes the record of a thread that an earlier run has left
        Together({publish, publish});
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 3);
      },
      kTimelessFew);
}

// --- Sources ---

TEST(LifetimeExplored, S1_ASourceThatIsGoneIsNotBeingTold) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        sync::Atomic<bool> gone{false};
        std::optional<Source> source = dispatcher.AddSource("source", [&] {
          EXPLORE_REQUIRE(!gone.load());
          sync::Yield();
          EXPLORE_REQUIRE(!gone.load());
        });
        Together({[&] {
                    EXPLORE_REQUIRE(
                        dispatcher.Shutdown(ShutdownMode::kDrain, Nanoseconds::max()).complete);
                  },
                  [&] {
                    source.reset();
                    gone.store(true);
                  }});
      },
      {.preemptions = 1, .delays = 0, .spurious = 1, .timeouts = 0});
}

// --- Who waits at the end ---

TEST(LifetimeExplored, S2_AShutdownThatIsWokenForNothingWaitsAgain) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        const auto shut_down = [&] {
          EXPLORE_REQUIRE(dispatcher.Shutdown(ShutdownMode::kDrain, Nanoseconds::max()).complete);
        };
        Together({shut_down, shut_down});
      },
      {.preemptions = 1, .delays = 0, .spurious = 1, .timeouts = 0});
}

TEST(LifetimeExplored, S1_ADiscardingShutdownWakesWhoWaitsForRoom) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Subscription listener = dispatcher.Subscribe(
            [](const Note&) {},
            {.queue = {.events_max = 1}, .overflow = Overflow::Block(Nanoseconds::max())});
        EXPLORE_REQUIRE(dispatcher.Publish(Note{1}).ok());
        PublishResult result;
        // With a header it goes the long way, where nobody gives way before he waits.
        PublishOptions options;
        options.headers = {{"kind", "late"}};
        Together({[&] { result = dispatcher.Publish(Note{2}, std::move(options)); },
                  [&] {
                    EXPLORE_REQUIRE(
                        dispatcher.Shutdown(ShutdownMode::kDiscard, Nanoseconds::max()).complete);
                  }});
        nobody.RunUntilIdle();
        EXPLORE_REQUIRE(result.ok() || result.code() == PublishResult::Code::kClosed);
        EXPLORE_REQUIRE(RequireSettled(dispatcher).cancelled == (result.ok() ? 2 : 1));
      },
      kTimelessFew);
}

// --- Synchronous dispatchers ---

TEST(LifetimeExplored, OnASynchronousDispatcherADrainWaitsForAPublishAndNoLonger) {
  ExpectSafe(
      [] {
        Dispatcher dispatcher(Explored::Synchronous());
        int handled = 0;  // plain: turns do not overlap
        Subscription listener = dispatcher.Subscribe([&handled](const Note&) { ++handled; });
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); },
                  [&] { EXPLORE_REQUIRE(dispatcher.Drain() == DrainResult::kDrained); }});
        EXPLORE_REQUIRE(handled == 1);
        RequireSettled(dispatcher);
      },
      kTimeless);
}

TEST(LifetimeExplored, AThreadThatIsWokenForNothingWaitsForItsTurnAgain) {
  ExpectSafe(
      [] {
        Dispatcher dispatcher(Explored::Synchronous());
        sync::Atomic<int> inside{0};
        Subscription listener = dispatcher.Subscribe([&](const Note&) {
          EXPLORE_REQUIRE(inside.fetch_add(1) == 0);
          EXPLORE_REQUIRE(inside.fetch_sub(1) == 1);
        });
        const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); };
        Together({publish, publish});
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 2);
      },
      {.preemptions = 1, .delays = 0, .spurious = 1, .timeouts = 0});
}

}  // namespace
}  // namespace belfry::explore
