// Listeners with mailboxes under every schedule: order by key, lost places, and what ends them.

#include <gtest/gtest.h>

#include <optional>

#include "explore/explored_dispatcher.h"

namespace belfry::explore {
namespace {

// A note's number is its key, for listeners that have one.
ListenerOptions Keyed(unsigned concurrency) {
  ListenerOptions options{.name = "keyed", .overflow = Overflow::Reject()};
  options.key = [](const Note& note) { return note.number; };
  options.concurrency = concurrency;
  return options;
}

ListenerOptions HoldingOne(Overflow overflow) {
  return {.name = "holds one", .queue = {.events_max = 1}, .overflow = std::move(overflow)};
}

// Run by as many threads at once as like to.
class SharedExecutor final : public Executor {
 public:
  using Executor::Post;
  void Post(Runnable& work) override {
    const sync::Lock lock(mutex_);
    queue_.Push(work);
  }
  void RunUntilIdle() {
    while (Runnable* const work = Pop()) {
      const ExecutorScope scope(*this);
      work->Run();
    }
  }

 private:
  Runnable* Pop() {
    const sync::Lock lock(mutex_);
    return queue_.Pop();
  }

  sync::Mutex mutex_;
  RunnableQueue queue_;
};

// What is published is delivered, whichever turn was free when it came.
TEST(MailboxExplored, O1_AMailboxThatGoesFromEmptyToNotEmptyWakesItsListener) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int handled = 0;
        Subscription listener =
            dispatcher.Subscribe([&handled](const Note&) { ++handled; }, Keyed(1));
        Together({[&] {
                    for (int i = 1; i <= 2; ++i) {
                      EXPLORE_REQUIRE(dispatcher.Publish(Note{i}).ok());
                    }
                  },
                  [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();  // a listener that was not woken has no turn here
        EXPLORE_REQUIRE(handled == 2);
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 2);
      },
      kTimelessFew);
}

TEST(MailboxExplored, O2_EventsOfOneKeyNeverOverlapAndAllAreDelivered) {
  ExpectSafe(
      [] {
        SharedExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int last = 0;  // plain: one key never overlaps itself
        Subscription listener = dispatcher.Subscribe(
            [&last](const Note& note) {
              EXPLORE_REQUIRE(note.number > last);
              last = note.number;
            },
            [] {
              ListenerOptions options = Keyed(2);
              options.key = [](const Note&) { return 1; };
              return options;
            }());
        for (int i = 1; i <= 3; ++i) dispatcher.Publish(Note{i});
        const auto run = [&] { executor.RunUntilIdle(); };
        Together({run, run});
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(last == 3);
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 3);
      },
      kTimelessFew);
}

TEST(MailboxExplored, X2_NoDeliveryRunsAndNoKeyIsAskedForAfterResetReturned) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        sync::Atomic<bool> over{false};
        ListenerOptions options = Keyed(2);
        options.key = [&over](const Note& note) {
          EXPLORE_REQUIRE(!over.load());
          return note.number;
        };
        Subscription listener = dispatcher.Subscribe(
            [&over](const Note&) { EXPLORE_REQUIRE(!over.load()); }, std::move(options));
        dispatcher.Publish(Note{1});
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{2}).ok()); },
                  [&] { executor.RunUntilIdle(); },
                  [&] {
                    EXPLORE_REQUIRE(listener.Reset() == ResetResult::kDone);
                    over.store(true);
                  }});
        executor.RunUntilIdle();
        RequireSettled(dispatcher);
      },
      kTimelessFew);
}

TEST(MailboxExplored, X4_EachEventIsHandledByOneOfTwoCallables) {
  ExpectSafe(
      [] {
        SharedExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        sync::Atomic<int> handled{0};
        sync::Atomic<bool> replaced{false};
        Subscription listener = dispatcher.Subscribe(
            [&](const Note&) {
              EXPLORE_REQUIRE(!replaced.load());
              handled.fetch_add(1);
            },
            Keyed(2));
        dispatcher.Publish(Note{1});
        dispatcher.Publish(Note{2});
        const auto run = [&] { executor.RunUntilIdle(); };
        Together({run, run, [&] {
                    const ReplaceResult result =
                        listener.Replace([&](const Note&) { handled.fetch_add(1); });
                    EXPLORE_REQUIRE(result == ReplaceResult::kDone);
                    replaced.store(true);
                  }});
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(handled.load() == 2);
        RequireSettled(dispatcher);
      },
      kTimelessFew);
}

TEST(MailboxExplored, B1_WhoHoldsOneEventHoldsTheLastOneAndCountsTheOthers) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        int handled = 0;
        Subscription listener = dispatcher.Subscribe([&handled](const Note&) { ++handled; },
                                                     HoldingOne(Overflow::DropOldest()));
        const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); };
        Together({publish, publish, [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.offered == 2);
        EXPLORE_REQUIRE(handled >= 1);
        EXPLORE_REQUIRE(counts.handled == static_cast<std::uint64_t>(handled));
        EXPLORE_REQUIRE(counts.handled + counts.dropped == 2);
      },
      kTimelessFew);
}

TEST(MailboxExplored, B1_TwoWhoReplaceTheSameEventBothSucceed) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        Subscription listener = dispatcher.Subscribe(
            [](const Note&) {}, HoldingOne(Overflow::Coalesce([](const Note&) { return 1; })));
        dispatcher.Publish(Note{});
        const auto publish = [&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{}).ok()); };
        Together({publish, publish, [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.handled + counts.coalesced == 3);
      },
      kTimelessFew);
}

TEST(MailboxExplored, B1_APublisherThatWaitsForRoomIsWokenByIt) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        ListenerOptions options = HoldingOne(Overflow::Block(std::chrono::seconds(1)));
        options.key = [](const Note&) { return 1; };
        Subscription listener = dispatcher.Subscribe([](const Note&) {}, std::move(options));
        dispatcher.Publish(Note{1});
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{2}).ok()); },
                  [&] { executor.RunUntilIdle(); }});
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(RequireSettled(dispatcher).handled == 2);
      },
      kTimeless);
}

TEST(MailboxExplored, R1_WhoComesDuringAPublishGetsTheEventOrNot) {
  ExpectSafe(
      [] {
        ManualExecutor executor;
        Dispatcher dispatcher(Explored::On(executor));
        sync::Atomic<int> late{0};
        Subscription listener = dispatcher.Subscribe([](const Note&) {}, Keyed(1));
        Subscription other;
        Together({[&] { EXPLORE_REQUIRE(dispatcher.Publish(Note{1}).ok()); },
                  [&] {
                    other = dispatcher.Subscribe([&](const Note&) { late.fetch_add(1); }, Keyed(1));
                  }});
        executor.RunUntilIdle();
        EXPLORE_REQUIRE(late.load() <= 1);
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.offered == 1 + static_cast<std::uint64_t>(late.load()));
      },
      kTimeless);
}

TEST(MailboxExplored, S1_APublishAgainstADiscardingShutdownIsRefusedOrCancelled) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        Subscription listener = dispatcher.Subscribe([](const Note&) {}, Keyed(2));
        bool accepted = false;
        Together({[&] { accepted = dispatcher.Publish(Note{1}).ok(); },
                  [&] {
                    const ShutdownReport report =
                        dispatcher.Shutdown(ShutdownMode::kDiscard, std::chrono::seconds(1));
                    EXPLORE_REQUIRE(report.complete);
                  }});
        const DeliveryCounts counts = RequireSettled(dispatcher);
        EXPLORE_REQUIRE(counts.cancelled == (accepted ? 1U : 0U));
        nobody.RunUntilIdle();
      },
      kTimeless);
}

TEST(MailboxExplored, OnAPoolADrainWaitsForWhatWasPublishedBefore) {
  ExpectSafe(
      [] {
        Dispatcher dispatcher(Explored::OnPool());
        sync::Atomic<int> handled{0};
        Subscription listener = dispatcher.Subscribe(
            [&](const Note& note, Context& context) {
              if (note.number == 0) context.dispatcher().Publish(Note{1});
              handled.fetch_add(1);
            },
            Keyed(2));
        dispatcher.Publish(Note{0});
        EXPLORE_REQUIRE(dispatcher.Drain() == DrainResult::kDrained);
        EXPLORE_REQUIRE(handled.load() == 2);
        RequireSettled(dispatcher);
      },
      {.preemptions = 1, .spurious = 0, .timeouts = 0});
}

}  // namespace
}  // namespace belfry::explore
