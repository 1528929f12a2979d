// D1 to D4: what a delivery is.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Parcel {
  std::unique_ptr<int> content;  // move-only: a copy would not compile
};

// Counts how events come and go.
struct Traced {
  static inline std::atomic<int> alive{0};
  static inline std::atomic<int> copied{0};
  int number = 0;
  explicit Traced(int n) : number(n) { ++alive; }
  Traced(const Traced& other) : number(other.number) {
    ++alive;
    ++copied;
  }
  Traced(Traced&& other) noexcept : number(other.number) { ++alive; }
  Traced& operator=(const Traced&) = delete;
  Traced& operator=(Traced&&) = delete;
  ~Traced() { --alive; }
};

class DeliveryTest : public ModeTest {
 protected:
  void SetUp() override {
    Traced::copied = 0;
    ASSERT_EQ(Traced::alive, 0);
    ModeTest::SetUp();
  }
  void TearDown() override {
    ModeTest::TearDown();
    EXPECT_EQ(Traced::alive, 0) << "D3: an event was not destroyed exactly once";
  }
};
BELFRY_IN_EVERY_MODE(DeliveryTest);

TEST_P(DeliveryTest, D1_EveryDeliveryIsCountedOnce) {
  const Subscription good = dispatcher->Subscribe([](const Traced&) {}, Options("good"));
  const Subscription bad = dispatcher->Subscribe(
      [](const Traced& e) {
        if (e.number % 3 == 0) throw std::runtime_error("every third");
      },
      Options("bad"));
  Subscription leaving = dispatcher->Subscribe([](const Traced&) {}, Options("leaving"));
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(dispatcher->Publish(Traced(i)));
  leaving.Reset();
  Settle();
  const TypeStats type = StatsOf<Traced>();
  EXPECT_EQ(type.published, 90U);
  EXPECT_EQ(type.deliveries.offered, 270U) << "the listener that left counts too";
  EXPECT_EQ(type.deliveries.dead, 30U);
  EXPECT_EQ(type.deliveries.handled + type.deliveries.cancelled, 240U);
  EXPECT_EQ(type.deliveries.queued + type.deliveries.running, 0U);
  ASSERT_EQ(dispatcher->GetStats().listeners.size(), 2U);
  EXPECT_EQ(dispatcher->GetStats().listeners[0].deliveries.handled, 90U);
  EXPECT_EQ(dispatcher->GetStats().listeners[1].deliveries.handled, 60U);
}

TEST_P(DeliveryTest, D2_OnlyInlineAndSynchronousListenersRunOnThePublishingThread) {
  const std::thread::id self = std::this_thread::get_id();
  std::atomic<bool> inside_publish{false};
  std::atomic<int> here{0};
  std::atomic<int> elsewhere{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Traced&) {
        ++(std::this_thread::get_id() == self && inside_publish ? here : elsewhere);
      },
      Options());
  for (int i = 0; i < 20; ++i) {
    inside_publish = true;
    ASSERT_TRUE(dispatcher->Publish(Traced(i)));
    inside_publish = false;
  }
  Settle();
  EXPECT_EQ(here, on_publishing_thread() ? 20 : 0);
  EXPECT_EQ(elsewhere, on_publishing_thread() ? 0 : 20);
}

TEST_P(DeliveryTest, D3_AnEventLivesUntilItsLastDeliveryEndedAndIsNeverCopied) {
  std::atomic<int> sum{0};
  std::vector<Subscription> listeners;
  for (int i = 0; i < 5; ++i) {
    listeners.push_back(
        dispatcher->Subscribe([&](const Traced& e) { sum += e.number; }, Options()));
  }
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(dispatcher->Publish(Traced(i)));
  Settle();
  EXPECT_EQ(sum, 5 * 5050);
  EXPECT_EQ(Traced::copied, 0);
  EXPECT_TRUE(Eventually([] { return Traced::alive == 0; }));
}

TEST_P(DeliveryTest, D3_AllListenersSeeOneAndTheSameEvent) {
  std::atomic<const Traced*> first{nullptr};
  std::atomic<const Traced*> second{nullptr};
  const Subscription one = dispatcher->Subscribe([&](const Traced& e) { first = &e; }, Options());
  const Subscription two = dispatcher->Subscribe([&](const Traced& e) { second = &e; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Traced(1)));
  Settle();
  EXPECT_EQ(first, second);
}

TEST_P(DeliveryTest, D3_WhatWasWrittenBeforePublishIsVisibleInEveryDelivery) {
  std::vector<int> plain(64, 0);  // ThreadSanitizer watches it
  std::atomic<int> wrong{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Traced& e) {
        if (plain[static_cast<std::size_t>(e.number)] != e.number + 1) ++wrong;
      },
      Options());
  for (int i = 0; i < 64; ++i) {
    plain[static_cast<std::size_t>(i)] = i + 1;
    ASSERT_TRUE(dispatcher->Publish(Traced(i)));
  }
  Settle();
  EXPECT_EQ(wrong, 0);
}

TEST_P(DeliveryTest, AMoveOnlyEventCanBePublished) {
  std::atomic<int> got{0};
  const Subscription listener =
      dispatcher->Subscribe([&](const Parcel& e) { got = *e.content; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Parcel{std::make_unique<int>(7)}));
  Settle();
  EXPECT_EQ(got, 7);
}

// Whether something lies where its type wants it.
template <class T>
bool Aligned(const T* thing) {
  return reinterpret_cast<std::uintptr_t>(thing) % alignof(T) == 0;
}

template <std::size_t kAlignment, std::size_t kSize>
struct alignas(kAlignment) Shaped {
  bool whole() const {
    return std::all_of(std::begin(content), std::end(content), [](char c) { return c == 'x'; });
  }
  char content[kSize] = {};
};

template <class T>
T Filled() {
  T shaped;
  std::fill(std::begin(shaped.content), std::end(shaped.content), 'x');
  return shaped;
}

// A callable of a certain shape.
template <std::size_t kAlignment, std::size_t kSize>
struct ShapedListener {
  std::atomic<int>* wrong;
  std::atomic<int>* calls;
  Shaped<kAlignment, kSize> shape = Filled<Shaped<kAlignment, kSize>>();

  template <class E>
  void operator()(const E& event) const {
    if (!Aligned(&event) || !Aligned(this) || !event.whole() || !shape.whole()) ++*wrong;
    ++*calls;
  }
};

TEST_P(DeliveryTest, D3_EventsAndCallablesOfAnyShapeLieWhereTheyMustAndArriveWhole) {
  std::atomic<int> wrong{0};
  std::atomic<int> calls{0};
  const auto try_event = [&]<class E>(const E&) {
    const auto listen = [&]<class L>(const L& listener) {
      return dispatcher->Subscribe<E>(listener, Options());
    };
    std::vector<Subscription> subscriptions;
    for (int i = 0; i < 3; ++i) {
      subscriptions.push_back(listen(ShapedListener<8, 8>{&wrong, &calls}));
      subscriptions.push_back(listen(ShapedListener<64, 8>{&wrong, &calls}));
      subscriptions.push_back(listen(ShapedListener<8, 200>{&wrong, &calls}));
      subscriptions.push_back(listen(ShapedListener<64, 200>{&wrong, &calls}));
    }
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Filled<E>()));
    Settle();
  };
  try_event(Shaped<1, 2>{});
  try_event(Shaped<8, 111>{});
  try_event(Shaped<1, 112>{});
  try_event(Shaped<1, 113>{});
  try_event(Shaped<64, 64>{});
  try_event(Shaped<64, 300>{});
  try_event(Shaped<16, 5000>{});
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(calls, 7 * 3 * 12);
}

TEST_P(DeliveryTest, D4_EachListenerGetsEachEventOnce) {
  constexpr int kEvents = 1000;
  std::vector<std::atomic<int>> seen(2 * kEvents);
  const Subscription listener = dispatcher->Subscribe(
      [&](const Traced& e) { ++seen[static_cast<std::size_t>(e.number)]; }, Options());
  PublishFromThreads(2, kEvents,
                     [](int publisher, int i) { return Traced(publisher * kEvents + i); });
  for (const std::atomic<int>& times : seen) EXPECT_EQ(times, 1);
}

TEST_P(DeliveryTest, AnEventWhoseMoveThrowsIsNotPublished) {
  struct Fragile {
    Fragile() = default;
    Fragile(Fragile&&) { throw std::runtime_error("broke on the way"); }
  };
  const Subscription listener = dispatcher->Subscribe([](const Fragile&) {}, Options());
  Fragile fragile;
  if (mode() == Mode::kInline) {
    EXPECT_TRUE(dispatcher->Publish(std::move(fragile))) << "inline listeners need no move";
  } else {
    EXPECT_THROW(dispatcher->Publish(std::move(fragile)), std::runtime_error);
    EXPECT_EQ(StatsOf<Fragile>().published, 0U);
    EXPECT_EQ(StatsOf<Fragile>().deliveries.offered, 0U);
  }
}

TEST_P(DeliveryTest, TheContextTellsWhereTheEventComesFrom) {
  struct Root {};
  struct Child {};
  EventId root_id;
  EventId child_correlation;
  EventId child_causation;
  std::string header;
  std::vector<EventId> links;
  WallTime time;
  const Subscription root = dispatcher->Subscribe(
      [&](const Root&, Context& context) {
        root_id = context.envelope().id();
        EXPECT_EQ(context.envelope().correlation_id(), root_id);
        EXPECT_FALSE(context.envelope().causation_id());
        EXPECT_EQ(context.listener_name(), "root");
        links.assign(context.envelope().links().begin(), context.envelope().links().end());
        header = context.envelope().header("user");
        time = context.envelope().publish_time();
        EXPECT_TRUE(context.dispatcher().Publish(Child{}));
      },
      Options("root"));
  const Subscription child = dispatcher->Subscribe(
      [&](const Child&, Context& context) {
        child_correlation = context.envelope().correlation_id();
        child_causation = context.envelope().causation_id();
        EXPECT_NE(context.envelope().id(), root_id);
      },
      Options("child"));
  const EventId elsewhere = dispatcher->NewEventId();
  PublishOptions options;
  options.links = {elsewhere};
  options.headers = {{"user", "ada"}};
  options.id = dispatcher->NewEventId();
  ASSERT_TRUE(dispatcher->Publish(Root{}, options));
  Settle();
  EXPECT_EQ(root_id, options.id);
  EXPECT_EQ(child_correlation, root_id);
  EXPECT_EQ(child_causation, root_id);
  EXPECT_EQ(links, std::vector<EventId>{elsewhere});
  EXPECT_EQ(header, "ada");
  EXPECT_GT(time.time_since_epoch().count(), 0);
  EXPECT_EQ(ToString(elsewhere).find('-'), 16U);
}

TEST_P(DeliveryTest, ACauseKeptByWhoeverFinishesLaterGoesOn) {
  struct Asked {};
  struct Answered {};
  Cause kept;
  EventId correlation;
  EventId own_story;
  const Subscription asked =
      dispatcher->Subscribe([&](const Asked&) { kept = Cause::Current(); }, Options());
  const Subscription answered = dispatcher->Subscribe(
      [&](const Answered&, Context& context) {
        if (!correlation) {
          correlation = context.envelope().correlation_id();
          EXPECT_EQ(context.envelope().causation_id(), kept.causation);
          EXPECT_TRUE(dispatcher->Publish(Answered{}, {.cause = Cause{}}));
        } else {
          own_story = context.envelope().correlation_id();
        }
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{}));
  Settle();
  {
    const CauseScope scope(kept);
    ASSERT_TRUE(dispatcher->Publish(Answered{}));
  }
  Settle();
  EXPECT_TRUE(kept.correlation);
  EXPECT_EQ(correlation, kept.correlation);
  EXPECT_NE(own_story, correlation);
  EXPECT_FALSE(Cause::Current().correlation);
}

}  // namespace
}  // namespace belfry
