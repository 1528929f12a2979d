// One callable in the place of another, and listeners that are muted, under every schedule.

#include <gtest/gtest.h>

#include <cstdint>

#include "explore/explored_dispatcher.h"

namespace belfry::explore {
namespace {

// Which of two callables was called, and whether it may still be.
struct Calls {
  sync::Atomic<std::uint64_t> former{0};
  sync::Atomic<std::uint64_t> next{0};
  sync::Atomic<bool> former_gone{false};

  auto Former() {
    return [this](const Note&) {
      EXPLORE_REQUIRE(!former_gone.load(std::memory_order_relaxed));
      former.fetch_add(1, std::memory_order_relaxed);
    };
  }
  auto Next() {
    return [this](const Note&) { next.fetch_add(1, std::memory_order_relaxed); };
  }
  void Replace(Subscription& listener) {
    EXPLORE_REQUIRE(listener.Replace(Next()) == ReplaceResult::kDone);
    former_gone.store(true, std::memory_order_relaxed);
  }
  void RequireEachOnce(const Dispatcher& dispatcher, std::uint64_t events) {
    EXPLORE_REQUIRE(former.load() + next.load() == events);
    EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == events);
  }
};

TEST(ReplaceExplored, X4_OfAnInlineListenerAgainstPasses) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Calls calls;
        Subscription listener = dispatcher.Subscribe(calls.Former(), Inline());
        PublishBefore(dispatcher);
        Together({[&] {
                    dispatcher.Publish(Note{});
                    dispatcher.Publish(Note{});
                  },
                  [&] { calls.Replace(listener); }});
        calls.RequireEachOnce(dispatcher, 4);
      },
      {.preemptions = 2, .spurious = 0});
}

TEST(ReplaceExplored, X4_OfAQueuedListenerAgainstItsTurn) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        Calls calls;
        Subscription listener = dispatcher.Subscribe(calls.Former(), Queued());
        Together({[&] {
                    dispatcher.Publish(Note{});
                    dispatcher.Publish(Note{});
                    executor.RunUntilIdle();
                  },
                  [&] { calls.Replace(listener); }});
        executor.RunUntilIdle();
        calls.RequireEachOnce(dispatcher, 2);
      },
      kTimelessFew);
}

TEST(ReplaceExplored, X4_OnASynchronousDispatcherNothingIsLeftBehind) {
  ExpectSafe(
      [] {
        Dispatcher dispatcher(Explored::Synchronous());
        Calls calls;
        Subscription listener = dispatcher.Subscribe(calls.Former(), Queued());
        Together({[&] { dispatcher.Publish(Note{}); }, [&] { calls.Replace(listener); }});
        calls.RequireEachOnce(dispatcher, 1);
      },
      kTimeless);
}

TEST(ReplaceExplored, X4_OnASynchronousDispatcherADrainWaitsForItAndNoLonger) {
  ExpectSafe(
      [] {
        Dispatcher dispatcher(Explored::Synchronous());
        Calls calls;
        Subscription listener = dispatcher.Subscribe(calls.Former(), Queued());
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Drain() == DrainResult::kDrained); },
                  [&] { calls.Replace(listener); }});
        calls.RequireEachOnce(dispatcher, 0);
      },
      kTimeless);
}

TEST(ReplaceExplored, AMutedInlineListenerAgainstAPass) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Calls calls;
        Subscription first = dispatcher.Subscribe(calls.Next(), Inline());
        Subscription second = dispatcher.Subscribe(calls.Next(), Inline());
        PublishBefore(dispatcher);
        Together({[&] { dispatcher.Publish(Note{}); },
                  [&] {
                    second.Mute();
                    second.Unmute();
                    first.Mute();
                  }});
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.handled == calls.next.load());
        EXPLORE_REQUIRE(counts.handled + counts.filtered == 6);
      },
      {.preemptions = 2, .spurious = 0});
}

// What was subscribed and reset often leaves groups behind, which go when no pass is at them.
TEST(ReplaceExplored, AGroupThatGoesAgainstAPass) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Calls calls;
        Subscription stays = dispatcher.Subscribe(calls.Next(), Inline());
        // Each of its own type, so of its own group; five empty ones are one too many.
        Subscription others[] = {
            dispatcher.Subscribe([](const Note&) {}, Inline()),
            dispatcher.Subscribe([](const Note&) {}, Inline()),
            dispatcher.Subscribe([](const Note&) {}, Inline()),
            dispatcher.Subscribe([](const Note&) {}, Inline()),
        };
        Subscription last = dispatcher.Subscribe([](const Note&) {}, Inline());
        for (Subscription& other : others) other.Reset();
        PublishBefore(dispatcher);
        Together({[&] { dispatcher.Publish(Note{}); },
                  [&] {
                    last.Reset();
                    last = dispatcher.Subscribe([](const Note&) {}, Inline());
                  }});
        RequireSettled(dispatcher);
        EXPLORE_REQUIRE(calls.next.load() == 3);
      },
      {.preemptions = 1, .spurious = 0});
}

}  // namespace
}  // namespace belfry::explore
