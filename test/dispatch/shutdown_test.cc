// S1 to S4, and publishing where nobody is left to listen.

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Work {
  int left = 0;
};

class ShutdownTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(ShutdownTest);

TEST_P(ShutdownTest, S1_DrainingDeliversWhatWasAcceptedAndWhatThatCauses) {
  auto captured = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = captured;
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      [&, captured = std::move(captured)](const Work& e) {
        ++calls;
        if (e.left > 0) {
          EXPECT_TRUE(dispatcher->Publish(Work{e.left - 1}));
        }
      },
      Options());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(dispatcher->Publish(Work{2}));
  if (manual != nullptr) {  // somebody else runs a manual executor while Shutdown waits
    std::thread runner([&] {
      EXPECT_TRUE(Eventually([&] { return manual->RunUntilIdle() == 0 && calls == 150; }));
    });
    EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
    runner.join();
  } else {
    EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  }
  EXPECT_EQ(calls, 150);
  EXPECT_TRUE(seen.expired()) << "the listeners are destroyed";
  if (threaded()) {
    EXPECT_TRUE(Eventually([] { return CountThreads() == 0; })) << "no thread may be left";
  }
  ExpectBalanced();
  EXPECT_EQ(dispatcher->Publish(Work{}).code(), PublishResult::Code::kClosed);
  dispatcher.reset();
}

TEST_P(ShutdownTest, S1_DiscardingCancelsWhatIsQueuedAndCountsIt) {
  if (on_publishing_thread()) GTEST_SKIP() << "nothing is ever queued when Publish has returned";
  Gate started;
  Gate go_on;
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe([&](const Work&) {
    ++calls;
    started.Open();
    go_on.Wait();
  });
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(dispatcher->Publish(Work{}));
  const int running = threaded() ? 1 : 0;
  if (threaded()) started.Wait();
  std::thread opener([&] {
    EXPECT_TRUE(Eventually([&] { return StatsOf<Work>().deliveries.queued == 0; }));
    go_on.Open();
  });
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience);
  opener.join();
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.cancelled, static_cast<std::uint64_t>(10 - running));
  EXPECT_EQ(calls, running);
  ExpectBalanced();
  dispatcher.reset();
}

TEST_P(ShutdownTest, S1_SourcesAreStoppedOnceTheLatestFirst) {
  std::string order;
  Source first;
  first = dispatcher->AddSource("first", [&] { order += "1"; });
  Source gone = dispatcher->AddSource("gone", [&] { order += "x"; });
  Source second = dispatcher->AddSource("second", [&] {
    order += "2";
    EXPECT_EQ(dispatcher->Publish(Work{}).code(), PublishResult::Code::kClosed)
        << "the intake is closed before the sources are stopped";
  });
  EXPECT_NE(first.id(), second.id());
  Source handed_on = std::move(gone);
  Source gone_too;
  gone_too = std::move(handed_on);
  gone_too = Source();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  const Source late = dispatcher->AddSource("late", [&] { order += "3"; });
  EXPECT_EQ(order, "213");
  first = Source();
  second = Source();
  EXPECT_EQ(order, "213");
}

TEST_P(ShutdownTest, S2_ConcurrentCallsWaitForTheSameEnd) {
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe([&](const Work&) { ++calls; }, Options());
  if (manual == nullptr) {
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(dispatcher->Publish(Work{}));
  }
  // Who is not woken at the end would come back at this deadline only.
  constexpr std::chrono::hours kNever{1};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kNever).complete);
      EXPECT_EQ(calls, manual == nullptr ? 200 : 0);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST_P(ShutdownTest, S2_FromAListenerItIsARequest) {
  ShutdownReport from_inside;
  std::atomic<bool> called{false};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Work&) {
        from_inside = dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
        called = true;
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Work{}));
  Settle();
  EXPECT_TRUE(called);
  EXPECT_TRUE(from_inside.requested_only);
  EXPECT_FALSE(from_inside.complete);
  EXPECT_TRUE(dispatcher->closed());
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

TEST_P(ShutdownTest, S4_TheDestructorDiscardsAndWaits) {
  std::atomic<bool> ended{false};
  Gate started;
  Subscription listener = dispatcher->Subscribe(
      [&](const Work&) {
        started.Open();
        for (int i = 0; i < 1000; ++i) std::this_thread::yield();
        ended = true;
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Work{}));
  if (threaded()) started.Wait();
  dispatcher.reset();
  EXPECT_EQ(ended, mode() != Mode::kManual);
}

TEST_P(ShutdownTest, S4_TheDestructorWaitsForAPublishOnAnotherThread) {
  Gate started;
  Gate go_on;
  std::atomic<bool> ended{false};
  const Subscription inside = dispatcher->Subscribe(
      [&](const Work&) {
        started.Open();
        go_on.Wait();
        ended = true;
      },
      {.run = Run::kInline});
  std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Work{})); });
  started.Wait();
  std::thread destroyer([&] {
    dispatcher->Shutdown(ShutdownMode::kDiscard, Nanoseconds(0));  // closed before it is gone
    go_on.Open();
    std::unique_ptr<Dispatcher> dying = std::move(dispatcher);
    dying.reset();
    EXPECT_TRUE(ended);
  });
  publisher.join();
  destroyer.join();
}

TEST_P(ShutdownTest, S1_ASubscribeThatRacesWithTheEndIsRefusedOrLivesAndNeverBoth) {
  for (int round = 0; round < 200; ++round) {
    Make();
    std::atomic<int> calls{0};
    std::thread publisher([&] {
      while (dispatcher->Publish(Work{}).code() != PublishResult::Code::kClosed) {
      }
    });
    std::thread ender(
        [&] { EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience).complete); });
    for (;;) {
      ListenerOptions options = Options();
      options.overflow = Overflow::Reject();
      const Subscription subscription =
          dispatcher->Subscribe([&](const Work&) { ++calls; }, options);
      if (subscription) continue;
      const int before = calls;
      std::this_thread::yield();
      EXPECT_EQ(calls, before) << "R4: a refused listener was called";
      break;
    }
    ender.join();
    publisher.join();
    ExpectBalanced();
  }
}

TEST_P(ShutdownTest, S1_ASourceThatFailsToStopIsLoggedAndStopsNobody) {
  bool stopped = false;
  const Source first = dispatcher->AddSource("good", [&] { stopped = true; });
  const Source second = dispatcher->AddSource("bad", [] { throw 42; });
  const Source third =
      dispatcher->AddSource("worse", [] { throw std::runtime_error("stuck valve"); });
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_TRUE(stopped);
  EXPECT_NE(log().find("source \"bad\" failed to stop"), std::string::npos) << log();
  EXPECT_NE(log().find("stuck valve"), std::string::npos) << log();
}

TEST_P(ShutdownTest, S1_ASourceMayGoWhileItIsToldToStop) {
  bool stopped = false;
  std::optional<Source> source;
  source = dispatcher->AddSource("leaving", [&] {
    source.reset();
    stopped = true;
  });
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_TRUE(stopped);
}

TEST_P(ShutdownTest, StatsAndNamesMayBeAskedForWhileListenersComeAndGo) {
  std::atomic<bool> stop{false};
  std::thread looker([&] {
    while (!stop) {
      for (const ListenerStats& listener : dispatcher->GetStats().listeners) {
        EXPECT_FALSE(listener.name.empty());
      }
      EXPECT_LE(dispatcher->ListenerNames(EventTypeOf<Work>()).size(), 2U);
    }
  });
  for (int i = 0; i < 2000; ++i) {
    const Subscription one = dispatcher->Subscribe([](const Work&) {}, Options("one"));
    const Subscription two = dispatcher->Subscribe([](const Work&) {}, Options("two"));
  }
  stop = true;
  looker.join();
}

TEST_P(ShutdownTest, S4_DestroyedInsideItsOwnListenerItAbortsAndSaysSo) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto destroy = [this] {
    const Subscription listener =
        dispatcher->Subscribe([this](const Work&) { dispatcher.reset(); }, Options("suicide"));
    static_cast<void>(dispatcher->Publish(Work{}));
    if (manual != nullptr) manual->RunUntilIdle();
    static_cast<void>(dispatcher->Drain());
  };
  EXPECT_DEATH(destroy(), "destroyed inside its own listener \"suicide\"");
}

class StuckTest : public ModeTest {
 protected:
  // A listener that has begun with the first of so many events, and stays there until it may end.
  Subscription StuckListener(int events, std::string name = {}) {
    Subscription listener = dispatcher->Subscribe(
        [this](const Work&) {
          began.Open();
          may_end.Wait();
        },
        {.name = std::move(name)});
    for (int i = 0; i < events; ++i) EXPECT_TRUE(dispatcher->Publish(Work{}));
    began.Wait();
    return listener;
  }

  Gate began;
  Gate may_end;
};
BELFRY_IN_POOL_MODES(StuckTest);

TEST_P(StuckTest, S3_PastTheDeadlineItReportsWhatIsStuckAndMayBeCalledAgain) {
  const Subscription listener = StuckListener(2, "stubborn");
  constexpr auto kShort = std::chrono::milliseconds(20);
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, kShort);
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.stuck.size(), 1U);
  EXPECT_EQ(report.stuck[0].listener, "stubborn");
  EXPECT_EQ(report.stuck[0].event_type, EventTypeOf<Work>());
  EXPECT_GT(report.stuck[0].thread, 0);
  // For certain: since Shutdown saw it, which was a little after its deadline began to run.
  EXPECT_GT(report.stuck[0].running_for, Nanoseconds::zero());
  EXPECT_EQ(report.queued, 1U);
  may_end.Open();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

TEST_P(StuckTest, S3_WhatIsStuckIsSeenToBeThoughItsListenerHandlesOthers) {
  if (mode() != Mode::kPool4) GTEST_SKIP() << "needs several threads";
  Gate busy;
  Gate go_on;
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Work&) {
        const int call = ++calls;
        if (call == 1) {
          began.Open();
          may_end.Wait();
        } else if (call == 2) {
          busy.Open();
          go_on.Wait();
        }
      },
      {.concurrency = 2});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Work{}));
  began.Wait();
  busy.Wait();
  const Source source = dispatcher->AddSource("others", [&] {
    go_on.Open();
    EXPECT_TRUE(Eventually([&] { return OnlyListener().deliveries.handled == 2; }));
  });
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, Nanoseconds::zero());
  ASSERT_EQ(report.stuck.size(), 1U);
  EXPECT_GT(report.stuck[0].running_for, Nanoseconds::zero());
  may_end.Open();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

// What began after Shutdown had begun to watch has not been running since then, though the one
// before it, in the same turn or the same pass, had.
TEST_P(StuckTest, S3_WhatBeganLaterHasNotBeenRunningSinceTheShutdownBegan) {
  for (const auto run : {belfry::Run::kQueued, belfry::Run::kInline}) {
    Make();
    Gate started[2];
    Gate go_on[2];
    const auto stay = [&](int number) {
      started[number].Open();
      go_on[number].Wait();
    };
    std::atomic<int> calls{0};
    std::vector<Subscription> listeners;
    // Two events for one queued listener, one event for two inline ones.
    for (int i = 0; i < (run == belfry::Run::kInline ? 2 : 1); ++i) {
      listeners.push_back(
          dispatcher->Subscribe([&](const Work&) { stay(calls++); }, {.name = "slow", .run = run}));
    }
    std::thread publisher([&] { EXPECT_TRUE(dispatcher->Publish(Work{})); });
    started[0].Wait();
    if (run == belfry::Run::kQueued) {
      ASSERT_TRUE(dispatcher->Publish(Work{}));
    }
    const Source source = dispatcher->AddSource("second", [&] {
      go_on[0].Open();
      started[1].Wait();
    });
    const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, Nanoseconds::zero());
    ASSERT_EQ(report.stuck.size(), 1U);
    EXPECT_EQ(report.stuck[0].running_for, Nanoseconds::zero());
    go_on[1].Open();
    publisher.join();
    EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  }
}

TEST_P(StuckTest, S1_EachShutdownReportsWhatItHasCancelledItself) {
  const Subscription listener = StuckListener(6);
  EXPECT_EQ(dispatcher->Shutdown(ShutdownMode::kDiscard, Nanoseconds(0)).cancelled, 5U);
  EXPECT_EQ(dispatcher->Shutdown(ShutdownMode::kDiscard, Nanoseconds(0)).cancelled, 0U);
  may_end.Open();
  EXPECT_EQ(dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience).cancelled, 0U);
}

TEST_P(StuckTest, S2_ADiscardOvertakesADrainThatWaits) {
  const Subscription listener = StuckListener(6);
  std::thread drainer(
      [&] { EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete); });
  EXPECT_TRUE(Eventually([&] { return dispatcher->closed(); }));
  const ShutdownReport report =
      dispatcher->Shutdown(ShutdownMode::kDiscard, std::chrono::milliseconds(10));
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.cancelled, 5U);
  EXPECT_EQ(report.stuck.size(), 1U);
  may_end.Open();
  drainer.join();
  EXPECT_EQ(StatsOf<Work>().deliveries.handled, 1U);
}

// Published when static objects go, after main: see the test below.
struct AtExit {
  Dispatcher* dispatcher = nullptr;
  ~AtExit() {
    if (dispatcher != nullptr &&
        dispatcher->Publish(Work{}).code() != PublishResult::Code::kClosed) {
      _exit(1);
    }
  }
};

TEST(ShutdownAtExitTest, PublishingFromAStaticDestructorAfterShutdownIsRefusedAndSafe) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        static Dispatcher dispatcher;
        static AtExit at_exit{&dispatcher};
        static_cast<void>(at_exit);
        static_cast<void>(dispatcher.Shutdown(ShutdownMode::kDrain, kPatience));
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace belfry
