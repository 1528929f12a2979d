// Inline listeners under every schedule: who is called, until when, and what is counted.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "explore/explored_dispatcher.h"

namespace belfry::explore {
namespace {

// Counts when its last copy goes.
std::shared_ptr<int> SaysWhenDestroyed(sync::Atomic<int>& destroyed) {
  return {new int(0), [&destroyed](const int* value) {
            delete value;
            destroyed.fetch_add(1);
          }};
}

// What a listener works on until its subscription is reset.
class Target {
 public:
  void Work() {
    EXPLORE_REQUIRE(!gone_.load(std::memory_order_relaxed));
    calls_.fetch_add(1, std::memory_order_relaxed);
  }
  // Nobody works on it any more.
  void End() { gone_.store(true, std::memory_order_relaxed); }
  std::uint64_t calls() const { return calls_.load(); }

 private:
  sync::Atomic<bool> gone_{false};
  sync::Atomic<std::uint64_t> calls_{0};
};

// Listeners of one type: in the cells of one group.
class Works {
 public:
  explicit Works(Target& target) : target_(&target) {}
  void operator()(const Note& /*note*/) { target_->Work(); }

 private:
  Target* target_;
};

// --- The end of a listener against passes ---

TEST(InlineExplored, X2_NoDeliveryRunsAfterResetReturned) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Target target;
        Subscription listener = dispatcher.Subscribe(Works(target), Inline());
        PublishBefore(dispatcher);
        Together({[&] { dispatcher.Publish(Note{}); },
                  [&] {
                    dispatcher.Publish(Note{});
                    EXPLORE_REQUIRE(listener.Reset() == ResetResult::kDone);
                    target.End();
                  }});
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.handled == target.calls());
      },
      {.preemptions = 2, .spurious = 0});
}

TEST(InlineExplored, X2_AResetThatWaitsIsWokenByTheLastPass) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        sync::Atomic<int> destroyed{0};
        sync::Mutex mutex;
        Subscription listener = dispatcher.Subscribe(
            [&mutex, held = SaysWhenDestroyed(destroyed)](const Note&) {
              // Whoever resets it holds the mutex for a while: looking for a moment is not enough.
              const sync::Lock lock(mutex);
            },
            Inline());
        Together({[&] { dispatcher.Publish(Note{}); },
                  [&] {
                    listener.Reset();
                    EXPLORE_REQUIRE(destroyed.load() == 1);
                  },
                  [&] {
                    const sync::Lock lock(mutex);
                    sync::Pause();
                  }});
        RequireSettled(dispatcher);
      },
      kTimelessFew);
}

TEST(InlineExplored, X1_NothingStartsAfterDetachReturned) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        sync::Atomic<int> destroyed{0};
        Subscription listener =
            dispatcher.Subscribe([held = SaysWhenDestroyed(destroyed)](
                                     const Note& note) { EXPLORE_REQUIRE(note.number == 1); },
                                 Inline());
        PublishBefore(dispatcher);
        Together({[&] { dispatcher.Publish(Note{1}); },
                  [&] {
                    listener.Detach();
                    dispatcher.Publish(Note{2});
                  }});
        EXPLORE_REQUIRE(destroyed.load() == 1);
        RequireSettled(dispatcher);
      },
      kTimeless);
}

TEST(InlineExplored, X1_ADetachAndAResetOfNeighboursAgainstAPass) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        std::array<Target, 2> targets;
        Subscription first = dispatcher.Subscribe(Works(targets[0]), Inline());
        Subscription second = dispatcher.Subscribe(Works(targets[1]), Inline());
        Together({[&] { dispatcher.Publish(Note{}); }, [&] { first.Detach(); },
                  [&] {
                    EXPLORE_REQUIRE(second.Reset() == ResetResult::kDone);
                    targets[1].End();
                  }});
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.handled == targets[0].calls() + targets[1].calls());
      },
      kFew);
}

TEST(InlineExplored, X2_AResetInsideItsOwnDeliveryIsDeferredToTheLastOne) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        sync::Atomic<int> destroyed{0};
        sync::Atomic<bool> once{false};
        std::optional<Subscription> listener;
        listener = dispatcher.Subscribe(
            [&, held = SaysWhenDestroyed(destroyed)](const Note&) {
              if (once.exchange(true)) return;
              EXPLORE_REQUIRE(listener->Reset() == ResetResult::kDeferred);
              EXPLORE_REQUIRE(destroyed.load() == 0);
            },
            Inline());
        const auto publish = [&] { dispatcher.Publish(Note{}); };
        Together({publish, publish});
        EXPLORE_REQUIRE(destroyed.load() == 1);
        RequireSettled(dispatcher);
      },
      kTimeless);
}

TEST(InlineExplored, X2_TwoListenersThatResetEachOtherDoNotDeadlock) {
  struct First {};
  struct Second {};
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Subscription first;
        Subscription second;
        first = dispatcher.Subscribe<First>([&](const First&) { second.Reset(); }, Inline());
        second = dispatcher.Subscribe<Second>([&](const Second&) { first.Reset(); }, Inline());
        Together({[&] { dispatcher.Publish(First{}); }, [&] { dispatcher.Publish(Second{}); }});
        for (const TypeStats& type : dispatcher.GetStats().types) {
          EXPLORE_REQUIRE(type.deliveries.balanced() && type.deliveries.running == 0);
        }
      },
      kTimeless);
}

// --- The table against passes ---

TEST(InlineExplored, R1_AListenerGetsAllThatFollowsTheFirstThatItGets) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        std::vector<int> got;
        Subscription listener;
        Together({[&] {
                    dispatcher.Publish(Note{1});
                    dispatcher.Publish(Note{2});
                  },
                  [&] {
                    listener = dispatcher.Subscribe(
                        [&got](const Note& note) { got.push_back(note.number); }, Inline());
                  }});
        dispatcher.Publish(Note{3});
        EXPLORE_REQUIRE(!got.empty() && got.size() <= 3 && got.back() == 3);
        for (std::size_t i = 1; i < got.size(); ++i) EXPLORE_REQUIRE(got[i] == got[i - 1] + 1);
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == got.size());
      },
      kTimeless);
}

TEST(InlineExplored, R1_ATableThatGrowsIsReadAsItWasOrAsItIs) {
  // The fifth finds a free cell; the other one, of another type, makes a group.
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        std::array<Target, 6> targets;
        std::vector<Subscription> listeners;
        for (std::size_t i = 0; i < 4; ++i) {
          listeners.push_back(dispatcher.Subscribe(Works(targets[i]), Inline()));
        }
        Subscription fifth;
        Subscription other;
        Together({[&] { dispatcher.Publish(Note{}); },
                  [&] {
                    fifth = dispatcher.Subscribe(Works(targets[4]), Inline());
                    other = dispatcher.Subscribe([&](const Note&) { targets[5].Work(); }, Inline());
                  }});
        std::uint64_t calls = 0;
        for (const Target& target : targets) calls += target.calls();
        for (std::size_t i = 0; i < 4; ++i) EXPLORE_REQUIRE(targets[i].calls() == 1);
        EXPLORE_REQUIRE(targets[4].calls() >= targets[5].calls());  // subscribed before it
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == calls);
      },
      kTimeless);
}

TEST(InlineExplored, R2_ACellThatIsUsedAgainIsNotCalledForItsFormerListener) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        std::array<Target, 2> targets;
        Subscription first = dispatcher.Subscribe(Works(targets[0]), Inline());
        Subscription second;
        Together({[&] { dispatcher.Publish(Note{}); },
                  [&] {
                    EXPLORE_REQUIRE(first.Reset() == ResetResult::kDone);
                    targets[0].End();
                    second = dispatcher.Subscribe(Works(targets[1]), Inline());
                  }});
        // It is in the listener set of none of them, or of one.
        EXPLORE_REQUIRE(targets[0].calls() + targets[1].calls() <= 1);
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.handled == targets[0].calls() + targets[1].calls());
      },
      {.preemptions = 2, .spurious = 0});
}

// --- Counters ---

TEST(InlineExplored, D1_WhatIsDerivedIsWhatWasCalled) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        std::array<sync::Atomic<int>, 2> calls{};
        Subscription stays =
            dispatcher.Subscribe([&](const Note&) { calls[0].fetch_add(1); }, Inline());
        Subscription goes =
            dispatcher.Subscribe([&](const Note&) { calls[1].fetch_add(1); }, Inline());
        Together({[&] { dispatcher.Publish(Note{}); },
                  [&] {
                    dispatcher.Publish(Note{});
                    goes.Detach();
                  }});
        const DeliveryCounts counts = RequireSettled(dispatcher);
        const auto called = static_cast<std::uint64_t>(calls[0].load() + calls[1].load());
        EXPLORE_REQUIRE(calls[0].load() == 2 && counts.handled == called);
        EXPLORE_REQUIRE(counts.offered == counts.handled + counts.cancelled);
        EXPLORE_REQUIRE(StatsOfNotes(dispatcher).published == 2);
        for (const ListenerStats& listener : dispatcher.GetStats().listeners) {
          EXPLORE_REQUIRE(listener.id == stays.id() && listener.deliveries.handled == 2);
        }
      },
      kTimeless);
}

TEST(InlineExplored, TheFirstPublishesOfATypeFindOneTopic) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); };
        Together({publish, publish});
        EXPLORE_REQUIRE(StatsOfNotes(dispatcher).published == 2);
        EXPLORE_REQUIRE(StatsOfNotes(dispatcher).orphaned == 2);
      },
      kTimeless);
}

// --- The end of the dispatcher ---

TEST(InlineExplored, S1_AShutdownWaitsForThePassesThatBeganBefore) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Target target;
        Subscription listener = dispatcher.Subscribe(Works(target), Inline());
        PublishBefore(dispatcher);
        Together({[&] {
                    const PublishResult result = dispatcher.Publish(Note{});
                    EXPLORE_REQUIRE(result.ok() || result.code() == PublishResult::Code::kClosed);
                  },
                  [&] {
                    EXPLORE_REQUIRE(
                        dispatcher.Shutdown(ShutdownMode::kDrain, Nanoseconds::max()).complete);
                    target.End();
                  }});
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.handled == target.calls());
      },
      kTimeless);
}

TEST(InlineExplored, ASubscribeAgainstAShutdownIsRefusedOrEnded) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        sync::Atomic<int> destroyed{0};
        Subscription listener;
        Together({[&] {
                    listener = dispatcher.Subscribe(
                        [held = SaysWhenDestroyed(destroyed)](const Note&) {}, Inline());
                  },
                  [&] {
                    EXPLORE_REQUIRE(
                        dispatcher.Shutdown(ShutdownMode::kDiscard, Nanoseconds::max()).complete);
                  }});
        EXPLORE_REQUIRE(destroyed.load() == 1);
        EXPLORE_REQUIRE(dispatcher.Publish(Note{}).code() == PublishResult::Code::kClosed);
      },
      kTimeless);
}

}  // namespace
}  // namespace belfry::explore
