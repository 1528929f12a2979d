// Queued listeners under every schedule: how events get to them, and what ends it.

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "explore/explored_dispatcher.h"

namespace belfry::explore {
namespace {

// --- From the publisher to the listener ---

TEST(QueuedExplored, O1_AQueueThatGoesFromEmptyToNotEmptyWakesItsListener) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int last = 0;
        Subscription listener = dispatcher.Subscribe(
            [&last](const Note& note) {
              EXPLORE_REQUIRE(note.number == last + 1);
              last = note.number;
            },
            Queued());
        Together({[&] {
                    for (int i = 1; i <= 2; ++i) {
                      EXPLORE_REQUIRE(dispatcher.Publish(Note{i}).ok());
                    }
                  },
                  [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();  // a listener that was not woken has no turn here
        EXPLORE_REQUIRE(last == 2);
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 2);
      },
      kTimelessFew);
}

TEST(QueuedExplored, O2_WhatTwoThreadsPublishIsHandledOneAfterTheOther) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int handled = 0;  // plain: a listener never overlaps itself
        Subscription listener =
            dispatcher.Subscribe([&handled](const Note&) { ++handled; }, Queued());
        const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); };
        const auto run = [&] { executor.RunUntilIdle(); };
        Together({publish, publish, run});
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(handled == 2);
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 2);
      },
      kFew);
}

TEST(QueuedExplored, OnAPoolADrainWaitsForWhatWasPublishedBefore) {
  ExpectSafe(
      [] {
        Dispatcher dispatcher(Explored::OnPool());
        sync::Atomic<int> handled{0};
        Subscription listener = dispatcher.Subscribe(
            [&](const Note& note, Context& context) {
              if (note.number == 0) context.dispatcher().Publish(Note{1});
              handled.fetch_add(1);
            },
            Queued());
        dispatcher.Publish(Note{0});
        EXPLORE_REQUIRE(dispatcher.Drain() == DrainResult::kDrained);
        EXPLORE_REQUIRE(handled.load() == 2);
        RequireSettled(dispatcher);
      },
      {.preemptions = 2, .spurious = 0, .timeouts = 0});
}

TEST(QueuedExplored, ADrainEndsWhenTheOnlyListenerThatWasBehindEnds) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Subscription listener = dispatcher.Subscribe([](const Note&) {}, Queued());
        dispatcher.Publish(Note{});
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Drain() == DrainResult::kDrained); },
                  [&] { listener.Detach(); }});
        EXPLORE_REQUIRE(RequireSettled(dispatcher).cancelled == 1);
      },
      kTimeless);
}

TEST(QueuedExplored, ThreadsThatPublishToASynchronousDispatcherTakeTurns) {
  ExpectSafe(
      [] {
        Dispatcher dispatcher(Explored::Synchronous());
        int depth = 0;  // plain: turns do not overlap
        int handled = 0;
        Subscription listener = dispatcher.Subscribe([&](const Note& note, Context& context) {
          EXPLORE_REQUIRE(++depth == 1);
          if (note.number == 0) context.dispatcher().Publish(Note{1});
          ++handled;
          --depth;
        });
        const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); };
        Together({publish, publish});
        EXPLORE_REQUIRE(handled == 4);
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 4);
      },
      {.preemptions = 1, .spurious = 0});
}

// --- The end of a listener ---

TEST(QueuedExplored, X2_NoDeliveryRunsAfterResetReturned) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        sync::Atomic<bool> gone{false};
        std::uint64_t calls = 0;
        Subscription listener = dispatcher.Subscribe(
            [&](const Note&) {
              EXPLORE_REQUIRE(!gone.load(std::memory_order_relaxed));
              ++calls;
            },
            Queued());
        Together({[&] {
                    dispatcher.Publish(Note{1});
                    EXPLORE_REQUIRE(listener.Reset() == ResetResult::kDone);
                    gone.store(true, std::memory_order_relaxed);
                  },
                  [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.offered == 1 && counts.handled == calls);
      },
      kTimeless);
}

TEST(QueuedExplored, R1_APublishAgainstAResetIsDeliveredCancelledOrAnOrphan) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        std::uint64_t calls = 0;
        Subscription listener = dispatcher.Subscribe([&](const Note&) { ++calls; }, Queued());
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); },
                  [&] { EXPLORE_REQUIRE(listener.Reset() == ResetResult::kDone); },
                  [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();
        const DeliveryCounts counts = RequireSettled(dispatcher);
        const TypeStats type = StatsOfNotes(dispatcher);
        EXPLORE_REQUIRE(type.published == 1 && counts.handled == calls);
        EXPLORE_REQUIRE(counts.offered + type.orphaned == 1);
      },
      kFew);
}

// --- Room ---

TEST(QueuedExplored, E3_AnEventThatIsRefusedByOneQueueIsInNone) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int wide = 0;
        int narrow = 0;
        ListenerOptions options = Queued();
        Subscription first = dispatcher.Subscribe([&](const Note&) { ++wide; }, options);
        options.queue.events_max = 1;
        Subscription second = dispatcher.Subscribe([&](const Note&) { ++narrow; }, options);
        sync::Atomic<int> accepted{0};
        const auto publish = [&] {
          const PublishResult result = dispatcher.Publish(Note{});
          EXPLORE_REQUIRE(result.ok() || (result.code() == PublishResult::Code::kQueueFull &&
                                          result.refuser() == second.id()));
          if (result.ok()) accepted.fetch_add(1);
        };
        Together({publish, publish});
        EXPLORE_REQUIRE(accepted.load() == 1);
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(wide == 1 && narrow == 1);
        EXPLORE_REQUIRE(StatsOfNotes(dispatcher).refused == 1);
        RequireSettled(dispatcher);
      },
      kTimeless);
}

// More than bytes, so that places are reserved for it; and it may not survive the way there.
struct Fragile {
  explicit Fragile(bool is_broken) : broken(is_broken) {}
  Fragile(Fragile&& other) : broken(other.broken) {
    if (broken) throw std::runtime_error("broken");
  }
  ~Fragile() {}
  bool broken;
};

TEST(QueuedExplored, E3_APlaceThatIsGivenBackGoesToWhoWaitsForIt) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int handled = 0;
        Subscription listener = dispatcher.Subscribe(
            [&handled](const Fragile&) { ++handled; },
            {.queue = {.events_max = 1}, .overflow = Overflow::Block(Nanoseconds::max())});
        Together({[&] {
                    try {
                      dispatcher.Publish(Fragile(true));
                      FailRun("its move throws");
                    } catch (const std::runtime_error&) {
                    }
                  },
                  [&] {
                    EXPLORE_REQUIRE(dispatcher.Publish(Fragile(false)).ok());
                    executor.RunUntilIdle();
                  }});
        EXPLORE_REQUIRE(handled == 1);
        for (const TypeStats& type : dispatcher.GetStats().types) {
          EXPLORE_REQUIRE(type.deliveries.balanced() && type.deliveries.queued == 0);
        }
      },
      kTimeless);
}

TEST(QueuedExplored, B1_APublisherThatWaitsForRoomIsWokenByIt) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int handled = 0;
        Subscription listener = dispatcher.Subscribe(
            [&handled](const Note&) { ++handled; },
            {.queue = {.events_max = 1}, .overflow = Overflow::Block(Nanoseconds::max())});
        EXPLORE_REQUIRE(dispatcher.Publish(Note{1}).ok());
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{2}).ok()); },
                  [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(handled == 2);
        RequireSettled(dispatcher);
      },
      kTimelessFew);
}

TEST(QueuedExplored, B1_APublisherThatWaitsForRoomIsWokenByTheListenersEnd) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        Subscription listener = dispatcher.Subscribe(
            [](const Note&) {},
            {.queue = {.events_max = 1}, .overflow = Overflow::Block(Nanoseconds::max())});
        EXPLORE_REQUIRE(dispatcher.Publish(Note{1}).ok());
        Together({[&] { dispatcher.Publish(Note{2}); }, [&] { listener.Reset(); }});
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 0);
      },
      kTimeless);
}

// --- The end of the dispatcher ---

// E is accepted while the dispatcher shuts down, and delivered then, or refused.
template <class E>
void ExpectDeliveredOrRefused() {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int handled = 0;
        Subscription listener = dispatcher.Subscribe([&](const E&) { ++handled; }, Queued());
        bool accepted = false;
        Together({[&] {
                    const PublishResult result = dispatcher.Publish(E{});
                    EXPLORE_REQUIRE(result.ok() || result.code() == PublishResult::Code::kClosed);
                    accepted = result.ok();
                    executor.RunUntilIdle();
                  },
                  [&] {
                    EXPLORE_REQUIRE(
                        dispatcher.Shutdown(ShutdownMode::kDrain, Nanoseconds::max()).complete);
                  }});
        EXPLORE_REQUIRE(handled == (accepted ? 1 : 0));
        RequireSettled(dispatcher);
      },
      kTimeless);
}

TEST(QueuedExplored, S1_WhatIsAcceptedBeforeADrainingShutdownIsDelivered) {
  ExpectDeliveredOrRefused<Note>();
}

// More than bytes: it goes the long way.
struct Text {
  std::string text;
};
TEST(QueuedExplored, S1_WhatIsAcceptedTheLongWayBeforeADrainingShutdownIsDelivered) {
  ExpectDeliveredOrRefused<Text>();
}

TEST(QueuedExplored, S1_WhatADiscardingShutdownCancelsIsCounted) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        std::uint64_t handled = 0;
        std::uint64_t cancelled = 0;
        Subscription listener = dispatcher.Subscribe([&](const Note&) { ++handled; }, Queued());
        dispatcher.Publish(Note{1});
        dispatcher.Publish(Note{2});
        Together({[&] { executor.RunUntilIdle(); },
                  [&] {
                    const ShutdownReport report =
                        dispatcher.Shutdown(ShutdownMode::kDiscard, Nanoseconds::max());
                    EXPLORE_REQUIRE(report.complete);
                    cancelled = report.cancelled;
                  }});
        EXPLORE_REQUIRE(handled + cancelled == 2);
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.handled == handled && counts.cancelled == cancelled);
      },
      kTimelessFew);
}

TEST(QueuedExplored, S1_APublishAgainstADiscardingShutdownIsRefusedOrCancelled) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Subscription listener = dispatcher.Subscribe([](const Note&) {}, Queued());
        bool accepted = false;
        Together({[&] { accepted = dispatcher.Publish(Note{}).ok(); },
                  [&] {
                    EXPLORE_REQUIRE(
                        dispatcher.Shutdown(ShutdownMode::kDiscard, Nanoseconds::max()).complete);
                  }});
        nobody.RunUntilIdle();
        EXPLORE_REQUIRE(RequireSettled(dispatcher).cancelled == (accepted ? 1 : 0));
      },
      kTimelessFew);
}

TEST(QueuedExplored, S2_TwoShutdownsEndTogether) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        Subscription listener = dispatcher.Subscribe([](const Note&) {}, Queued());
        dispatcher.Publish(Note{});
        const auto shut_down = [&] {
          EXPLORE_REQUIRE(dispatcher.Shutdown(ShutdownMode::kDrain, Nanoseconds::max()).complete);
        };
        Together({shut_down, shut_down, [&] { executor.RunUntilIdle(); }});
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 1);
      },
      {.preemptions = 1, .delays = 0, .spurious = 0, .timeouts = 0});
}

TEST(QueuedExplored, S4_OnAPoolTheDestructorWaitsForWhatRuns) {
  ExpectSafe(
      [] {
        int handled = 0;  // plain: the destructor orders it
        std::optional<Subscription> listener;
        {
          Dispatcher dispatcher(Explored::OnPool());
          listener = dispatcher.Subscribe([&handled](const Note&) { ++handled; }, Queued());
          dispatcher.Publish(Note{});
        }
        EXPLORE_REQUIRE(handled <= 1);
        EXPLORE_REQUIRE(listener->Reset() == ResetResult::kDone);
      },
      kFew);
}

}  // namespace
}  // namespace belfry::explore
