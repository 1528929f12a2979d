// D1: the counters, number by number: that they balance is not enough, since two wrong ones may.

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Coin {
  int number = 0;
};
// More than bytes: goes another way through the queues.
struct Note {
  std::string text = std::string(100, 'x');
};

class CountingTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(CountingTest);

TEST_P(CountingTest, StatsTellWhereAndHowAListenerWasSubscribed) {
  ListenerOptions options = Options("counts");
  options.filter = [](const Coin& coin) { return coin.number > 0; };
  options.queue.events_max = 77;
  Subscription listener = dispatcher->Subscribe([](const Coin&) {}, options);
  const unsigned line = __LINE__ - 1;
  ListenerStats stats = OnlyListener();
  EXPECT_NE(std::string(stats.traits.site.file).find("counting_test.cc"), std::string::npos);
  EXPECT_EQ(stats.traits.site.line, line);
  EXPECT_EQ(stats.traits.run, Options().run == Run::kInline ? Run::kInline : Run::kQueued);
  EXPECT_TRUE(stats.traits.filtered);
  EXPECT_FALSE(stats.traits.once);
  EXPECT_FALSE(stats.traits.owned);
  EXPECT_FALSE(stats.traits.keyed);
  EXPECT_EQ(stats.traits.concurrency, 1U);
  if (mode() != Mode::kInline) {
    EXPECT_EQ(stats.traits.queue.events_max, 77U);
  }
  EXPECT_FALSE(stats.muted);
  listener.Mute();
  EXPECT_TRUE(OnlyListener().muted);
  listener.Unmute();
  EXPECT_FALSE(OnlyListener().muted);
}

TEST_P(CountingTest, StatsListTypesInOneOrderWhicheverWasUsedFirst) {
  struct One {};
  struct Two {};
  struct Three {};
  const std::vector<EventType> types{EventTypeOf<One>(), EventTypeOf<Two>(), EventTypeOf<Three>()};
  ASSERT_TRUE(dispatcher->Publish(Two{}));
  ASSERT_TRUE(dispatcher->Publish(Three{}));
  ASSERT_TRUE(dispatcher->Publish(One{}));
  std::vector<EventType> listed;
  for (const TypeStats& type : dispatcher->GetStats().types) {
    if (std::find(types.begin(), types.end(), type.event_type) != types.end()) {
      listed.push_back(type.event_type);
    }
  }
  EXPECT_EQ(listed, types);
}

TEST_P(CountingTest, R5_AfterTheResetOfAllAnEventIsAnOrphan) {
  std::atomic<int> told{0};
  const Subscription orphans = dispatcher->Subscribe([&](const Orphaned&) { ++told; }, Options());
  for (int round = 1; round <= 3; ++round) {
    Subscription leaving = dispatcher->Subscribe([](const Coin&) {}, Options());
    ASSERT_TRUE(dispatcher->Publish(Coin{}));
    Settle();
    leaving.Reset();
    ASSERT_TRUE(dispatcher->Publish(Coin{}));
    Settle();
    EXPECT_EQ(told, round);
    EXPECT_EQ(StatsOf<Coin>().orphaned, static_cast<std::uint64_t>(round));
    EXPECT_EQ(StatsOf<Coin>().deliveries.offered, static_cast<std::uint64_t>(round));
  }
}

TEST_P(CountingTest, D1_WhileAListenerRunsItIsCountedAsRunning) {
  DeliveryCounts of_type;
  DeliveryCounts of_listener;
  const auto look = [&](EventType type) {
    const Stats stats = dispatcher->GetStats();
    for (const TypeStats& each : stats.types) {
      if (each.event_type == type) of_type = each.deliveries;
    }
    for (const ListenerStats& each : stats.listeners) {
      if (each.event_type == type) of_listener = each.deliveries;
    }
  };
  const auto expect_running = [&] {
    for (const DeliveryCounts& counts : {of_type, of_listener}) {
      EXPECT_EQ(counts.running, 1U);
      EXPECT_EQ(counts.offered, 2U);
      EXPECT_EQ(counts.handled, 1U);
      EXPECT_TRUE(counts.balanced());
    }
  };
  const Subscription coins = dispatcher->Subscribe(
      [&](const Coin& e) {
        if (e.number == 1) look(EventTypeOf<Coin>());
      },
      Options());
  int notes_seen = 0;
  const Subscription notes = dispatcher->Subscribe(
      [&](const Note&) {
        if (++notes_seen == 2) look(EventTypeOf<Note>());
      },
      Options());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(dispatcher->Publish(Coin{i}));
  Settle();
  expect_running();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Note{}));
    Settle();
  }
  expect_running();
  for (const TypeStats& type : {StatsOf<Coin>(), StatsOf<Note>()}) {
    EXPECT_EQ(type.deliveries.handled, 2U);
    EXPECT_EQ(type.deliveries.running, 0U);
  }
}

TEST_P(CountingTest, D1_WhatWaitsIsCountedAsQueued) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it may have run";
  const Subscription coins = dispatcher->Subscribe([](const Coin&) {}, Options());
  const Subscription notes = dispatcher->Subscribe([](const Note&) {}, Options());
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Coin{i}));
    ASSERT_TRUE(dispatcher->Publish(Note{}));
    EXPECT_EQ(StatsOf<Coin>().deliveries.queued, static_cast<std::uint64_t>(i));
    EXPECT_EQ(StatsOf<Note>().deliveries.queued, static_cast<std::uint64_t>(i));
    EXPECT_EQ(StatsOf<Note>().deliveries.handled, 0U);
  }
  Settle();
  EXPECT_EQ(StatsOf<Coin>().deliveries.queued, 0U);
  EXPECT_EQ(StatsOf<Note>().deliveries.handled, 3U);
}

TEST_P(CountingTest, D1_AnEventForInlineAndForQueuedListenersIsPublishedOnce) {
  const auto subscribe = [&]<class E>(const E&, belfry::Run run) {
    return dispatcher->Subscribe([](const E&) {}, ListenerOptions{.run = run});
  };
  const Subscription listeners[] = {
      subscribe(Coin{}, Run::kInline), subscribe(Coin{}, Run::kQueued),
      subscribe(Coin{}, Run::kQueued), subscribe(Note{}, Run::kInline),
      subscribe(Note{}, Run::kQueued), subscribe(Note{}, Run::kQueued),
  };
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Coin{i}));
    ASSERT_TRUE(dispatcher->Publish(Note{}));
  }
  Settle();
  for (const TypeStats& type : {StatsOf<Coin>(), StatsOf<Note>()}) {
    EXPECT_EQ(type.published, 5U);
    EXPECT_EQ(type.deliveries.offered, 15U);
    EXPECT_EQ(type.deliveries.handled, 15U);
  }
}

// The last listener may go, or the first that takes a context may come, while an event is moved.
struct Moved {
  explicit Moved(std::function<void()> f) : when_moved(std::move(f)) {}
  Moved(Moved&& other) : when_moved(std::move(other.when_moved)) { when_moved(); }
  std::function<void()> when_moved;
};

TEST_P(CountingTest, R5_AnEventWhoseListenersLeaveWhileItIsMovedIsAnOrphan) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "inline listeners need no move";
  std::atomic<int> told{0};
  const Subscription orphans = dispatcher->Subscribe([&](const Orphaned&) { ++told; }, Options());
  Subscription leaving = dispatcher->Subscribe([](const Moved&) { FAIL(); }, Options());
  EXPECT_TRUE(dispatcher->Publish(Moved([&] { leaving.Reset(); })));
  Settle();
  const TypeStats type = StatsOf<Moved>();
  EXPECT_EQ(type.published, 1U);
  EXPECT_EQ(type.deliveries.offered, 0U);
  EXPECT_EQ(type.orphaned, 1U);
  EXPECT_EQ(told, 1);
}

TEST_P(CountingTest, WhoComesWhileAnEventIsMovedLearnsWhenItWasPublished) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "inline listeners need no move";
  std::atomic<bool> timed{false};
  const Subscription steady = dispatcher->Subscribe([](const Moved&) {}, Options());
  Subscription coming;
  EXPECT_TRUE(dispatcher->Publish(Moved([&] {
    coming = dispatcher->Subscribe(
        [&](const Moved&, Context& context) {
          timed = context.envelope().publish_time() != WallTime{};
        },
        Options());
  })));
  Settle();
  EXPECT_TRUE(timed);
}

// Everything that comes out of one delivery has one and the same event for a cause.
TEST_P(CountingTest, AnEventHasOneIdHoweverOftenItIsAskedFor) {
  std::vector<EventId> causes;
  const Subscription children = dispatcher->Subscribe(
      [&](const Note&, Context& context) { causes.push_back(context.envelope().causation_id()); },
      Options());
  const Subscription parents = dispatcher->Subscribe(
      [&](const Coin&) {
        const EventId self = Cause::Current().causation;
        EXPECT_TRUE(self);
        EXPECT_EQ(Cause::Current().causation, self);
        EXPECT_TRUE(dispatcher->Publish(Note{}));
        EXPECT_TRUE(dispatcher->Publish(Note{}));
        EXPECT_EQ(Cause::Current().causation, self);
      },
      Options());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Coin{i}));
    Settle();
  }
  ASSERT_EQ(causes.size(), 4U);
  EXPECT_EQ(causes[0], causes[1]);
  EXPECT_EQ(causes[2], causes[3]);
  EXPECT_NE(causes[0], causes[2]);
}

TEST_P(CountingTest, EventsThatWaitTogetherHaveEachItsOwnCause) {
  std::vector<EventId> expected;
  std::vector<EventId> seen;
  const Subscription coins = dispatcher->Subscribe(
      [&](const Coin&) { seen.push_back(Cause::Current().correlation); }, Options());
  for (int i = 0; i < 3; ++i) {
    const EventId story = dispatcher->NewEventId();
    const CauseScope scope(Cause{.correlation = story, .causation = story});
    ASSERT_TRUE(dispatcher->Publish(Coin{i}));
    expected.push_back(story);
  }
  Settle();
  EXPECT_EQ(seen, expected);
}

// However it comes to be delivered.
TEST_P(CountingTest, AnEventHasOneIdWhicheverOfItsListenersAsks) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "events are to wait until a listener is replaced";
  std::vector<EventId> seen;
  std::vector<EventId> seen_too;
  const Subscription one = dispatcher->Subscribe(
      [&](const Coin&) { seen.push_back(Cause::Current().causation); }, Options());
  Subscription other = dispatcher->Subscribe([](const Coin&) {}, Options());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Coin{i}));
  EXPECT_TRUE(manual->RunOne());
  EXPECT_EQ(other.Replace([&](const Coin&, Context& context) {
    seen_too.push_back(context.envelope().id());
  }),
            ReplaceResult::kDone);
  Settle();
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen_too, seen);
}

}  // namespace
}  // namespace belfry
