// Deliveries that go on and on are told of while they do.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/library_events.h"
#include "belfry/manual_timers.h"
#include "dispatch/mode_test.h"
#include "sys/threads.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Bytes {
  int number = 0;
};
struct Baking {
  std::string pizza{};
};

// Time is the test's: a listener that takes a while moves it on itself.
class SlowTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    MakeWatched();
  }
  void MakeWatched() {
    Make([this](DispatcherOptions& options) {
      options.timers = &timers;
      options.clock = &timers.clock();
      options.slow_after = seconds(1);
    });
  }
  Subscription Telling() {
    return dispatcher->Subscribe([this](const SlowListener& slow) { told.push_back(slow); });
  }

  template <class E>
  void TakeForEach(int events, Nanoseconds time) {
    const Subscription telling = Telling();
    const Subscription listener =
        dispatcher->Subscribe([&](const E&) { timers.Advance(time); }, Options("oven"));
    for (int i = 0; i < events; ++i) ASSERT_TRUE(dispatcher->Publish(E{}));
    Settle();
  }

  ManualTimers timers;
  std::vector<SlowListener> told;
};
BELFRY_IN_EVERY_MODE(SlowTest);

TEST_P(SlowTest, E4_ADeliveryThatGoesOnIsToldOnceWithWhatIsKnownOfIt) {
  const Subscription telling = Telling();
  std::int64_t thread = 0;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Baking&) {
        thread = sys::ThreadId();
        timers.Advance(seconds(10));
      },
      Options("oven"));
  ASSERT_TRUE(dispatcher->Publish(Baking{}));
  Settle();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].listener, "oven");
  EXPECT_EQ(told[0].listener_id, listener.id());
  EXPECT_EQ(told[0].event_type, EventTypeOf<Baking>());
  EXPECT_EQ(told[0].thread, thread);
  EXPECT_GE(told[0].running_for, seconds(1));
  EXPECT_LE(told[0].running_for, seconds(2));
}

// Those of bytes are one run of the loop in which they are delivered, or passes that nobody counts.
TEST_P(SlowTest, ManyShortOnesAreNot) {
  TakeForEach<Bytes>(100, milliseconds(800));
  TakeForEach<Baking>(100, milliseconds(800));
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(log(), "");
}

TEST_P(SlowTest, EachSlowOneAmongThemIsTold) {
  TakeForEach<Bytes>(5, seconds(3));
  EXPECT_EQ(told.size(), 5U);
  TakeForEach<Baking>(5, seconds(3));
  EXPECT_EQ(told.size(), 10U);
}

TEST_P(SlowTest, WhoeverIsSlowInsideOfAnotherOneIsToldAsWell) {
  if (mode() != Mode::kInline) GTEST_SKIP() << "elsewhere none runs inside of another one";
  const Subscription telling = Telling();
  const Subscription inner =
      dispatcher->Subscribe([&](const Bytes&) { timers.Advance(seconds(5)); }, Options("inner"));
  const Subscription outer = dispatcher->Subscribe(
      [&](const Baking&) { ASSERT_TRUE(dispatcher->Publish(Bytes{})); }, Options("outer"));
  ASSERT_TRUE(dispatcher->Publish(Baking{}));
  Settle();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_NE(told[0].listener, told[1].listener);
}

TEST_P(SlowTest, E4_WithoutAListenerTheLogIsTold) {
  const Subscription listener =
      dispatcher->Subscribe([&](const Baking&) { timers.Advance(seconds(5)); }, Options("oven"));
  ASSERT_TRUE(dispatcher->Publish(Baking{}));
  Settle();
  EXPECT_NE(log().find("listener \"oven\" has been handling"), std::string::npos) << log();
}

TEST_P(SlowTest, E4_AListenerOfLibraryEventsThatIsSlowIsToldToTheLogAlone) {
  std::atomic<int> count{0};
  Gate baked;  // one at a time may move the time
  const Subscription telling = dispatcher->Subscribe(
      [&](const SlowListener&) {
        ++count;
        baked.Wait();
        timers.Advance(seconds(5));
      },
      {.name = "teller"});
  const Subscription listener = dispatcher->Subscribe(
      [&](const Baking&) {
        timers.Advance(seconds(5));
        baked.Open();
      },
      Options("oven"));
  ASSERT_TRUE(dispatcher->Publish(Baking{}));
  Settle();
  EXPECT_EQ(count, 1);
  EXPECT_NE(log().find("listener \"teller\" has been handling"), std::string::npos) << log();
}

TEST_P(SlowTest, S1_AfterAShutdownNobodyLooks) {
  EXPECT_TRUE(timers.next().has_value());
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_FALSE(timers.next().has_value());
  Make([this](DispatcherOptions& options) { options.timers = &timers; });
  EXPECT_FALSE(timers.next().has_value()) << "nobody has asked for it";
}

TEST_P(SlowTest, S2_AShutdownWhereItIsToldIsARequest) {
  bool requested = false;
  const Subscription telling = dispatcher->Subscribe(
      [&](const SlowListener&) {
        requested = dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).requested_only;
      },
      {.run = Run::kInline});
  const Subscription listener =
      dispatcher->Subscribe([&](const Baking&) { timers.Advance(seconds(5)); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Baking{}));
  Settle();
  EXPECT_TRUE(requested);
}

TEST_P(SlowTest, AWatcherOfItsOwnGoesByRealTimeOnAThreadOfItsOwn) {
  Make();
  EXPECT_EQ(CountThreads("belfry-timers"), 0U);
  Make([](DispatcherOptions& options) { options.slow_after = milliseconds(1); });
  if (mode() == Mode::kSynchronous) {
    EXPECT_EQ(CountThreads("belfry-timers"), 0U) << "it has no timers";
    return;
  }
  EXPECT_TRUE(Eventually([] { return CountThreads("belfry-timers") == 1; }));
  Gate was_told;
  std::thread::id teller;
  const Subscription telling = dispatcher->Subscribe(
      [&](const SlowListener& slow) {
        if (slow.listener != "oven") return;
        teller = std::this_thread::get_id();
        was_told.Open();
      },
      {.run = Run::kInline});
  std::thread::id there;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Baking&) {
        there = std::this_thread::get_id();
        was_told.Wait();
      },
      Options("oven"));
  ASSERT_TRUE(dispatcher->Publish(Baking{}));
  Settle();
  EXPECT_TRUE(was_told.open());
  EXPECT_NE(teller, there);
}

// --- Listeners that are slow on another thread ---

class SlowElsewhereTest : public SlowTest {
 protected:
  // A listener that runs until it may end.
  Subscription Baker() {
    Subscription listener = dispatcher->Subscribe(
        [this](const Baking&) {
          began.Open();
          may_end.Wait();
        },
        Options("oven"));
    return listener;
  }
  std::thread Publishing() {
    return std::thread([this] { EXPECT_TRUE(dispatcher->Publish(Baking{})); });
  }

  Gate began;
  Gate may_end;
};
INSTANTIATE_TEST_SUITE_P(Modes, SlowElsewhereTest,
                         testing::Values(Mode::kSynchronous, Mode::kInline, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

TEST_P(SlowElsewhereTest, WhoLooksWaitsForNobodyAndNobodyForHim) {
  const Subscription telling = dispatcher->Subscribe(
      [this](const SlowListener& slow) { told.push_back(slow); }, {.run = Run::kInline});
  const Subscription listener = Baker();
  std::thread publishing = Publishing();
  began.Wait();
  timers.Advance(seconds(5));
  if (mode() == Mode::kSynchronous) {
    EXPECT_NE(log().find("has been handling"), std::string::npos) << "it is another thread's turn";
    EXPECT_TRUE(told.empty());
  } else {
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(dispatcher->Drain(milliseconds(1)), DrainResult::kTimedOut);
    EXPECT_FALSE(dispatcher->Shutdown(ShutdownMode::kDrain, milliseconds(1)).complete);
    EXPECT_TRUE(timers.next().has_value()) << "it goes on until the end";
  }
  may_end.Open();
  publishing.join();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
}

TEST_P(SlowElsewhereTest, S1_AShutdownWaitsForALook) {
  Gate in_look;
  Gate go_on;
  std::atomic<bool> looked{false};
  Make([&](DispatcherOptions& options) {
    options.timers = &timers;
    options.clock = &timers.clock();
    options.slow_after = seconds(1);
    options.log = [&](LogLevel, std::string_view) {
      EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).requested_only);
      in_look.Open();
      go_on.Wait();
      looked = true;
    };
  });
  const Subscription listener = Baker();
  std::thread publishing = Publishing();
  began.Wait();
  std::thread looking([&] { timers.Advance(seconds(5)); });
  in_look.Wait();
  may_end.Open();
  publishing.join();
  std::thread opening([&] {
    EXPECT_TRUE(Eventually([&] { return dispatcher->closed(); }));
    go_on.Open();
  });
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_TRUE(looked);
  looking.join();
  opening.join();
}

TEST_P(SlowElsewhereTest, ListenersMayComeAndGoAndOthersPublishWhileItLooks) {
  if (mode() == Mode::kSynchronous) GTEST_SKIP() << "it has no timers of its own";
  Make([](DispatcherOptions& options) { options.slow_after = Nanoseconds(1); });
  std::atomic<int> slow{0};
  const Subscription telling =
      dispatcher->Subscribe([&](const SlowListener&) { ++slow; }, {.run = Run::kInline});
  const Subscription texts = dispatcher->Subscribe(
      [&](const Baking&) {
        const int before = slow;
        EXPECT_TRUE(Eventually([&] { return slow != before || slow >= 20; }));
      },
      Options());
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (slow < 20) {
        const Subscription bytes = dispatcher->Subscribe([](const Bytes&) {}, Options());
        for (int i = 0; i < 10; ++i) static_cast<void>(dispatcher->Publish(Bytes{i}));
        static_cast<void>(dispatcher->Publish(Baking{"margherita"}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace belfry
