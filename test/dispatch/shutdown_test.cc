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
