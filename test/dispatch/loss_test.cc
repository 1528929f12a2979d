// Queues that may lose events: which, how many, and who is told.

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Price {
  std::string symbol;
  int value = 0;
};

struct Held {
  std::shared_ptr<int> content{};
};

// Calls back when it is moved into the dispatcher: between its place's reservation and its
// acceptance.
struct Parcel {
  explicit Parcel(std::size_t w, std::function<void()> f = {}) : weight(w), moved(std::move(f)) {}
  Parcel(Parcel&& other) : weight(other.weight) {
    if (other.moved) std::exchange(other.moved, {})();
  }
  std::size_t weight;
  std::function<void()> moved;
};
std::size_t BelfryEventBytes(const Parcel& parcel) { return parcel.weight; }

class LossTest : public ModeTest {
 protected:
  ListenerOptions Holding(std::size_t events, Overflow overflow) {
    return {.name = "show", .queue = {.events_max = events}, .overflow = std::move(overflow)};
  }
  // What a listener got while it was busy with "busy" and this was published.
  std::vector<int> Got(const ListenerOptions& options, const std::vector<Price>& prices) {
    Gate busy;
    Gate go_on;
    const Subscription listener = dispatcher->Subscribe(
        [&](const Price& price) {
          if (price.symbol == "busy") {
            busy.Open();
            if (manual == nullptr) {
              go_on.Wait();
            } else {
              for (const Price& next : prices) results.push_back(dispatcher->Publish(next));
            }
          } else {
            got_.push_back(price.value);
          }
        },
        options);
    EXPECT_TRUE(dispatcher->Publish(Price{"busy"}));
    if (manual == nullptr) {
      busy.Wait();
      for (const Price& price : prices) results.push_back(dispatcher->Publish(price));
      go_on.Open();
    }
    Settle();
    counts = StatsOf<Price>().deliveries;
    return got_;
  }
  static Overflow BySymbol(Nanoseconds patience = std::chrono::seconds(1)) {
    return Overflow::Coalesce([](const Price& price) { return price.symbol; }, patience);
  }

  std::vector<PublishResult> results;
  DeliveryCounts counts;

 private:
  std::vector<int> got_;
};
BELFRY_IN_QUEUED_MODES(LossTest);

TEST_P(LossTest, B1_DropNewestKeepsWhatCameFirst) {
  EXPECT_EQ(Got(Holding(2, Overflow::DropNewest()), {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}}),
            (std::vector<int>{1, 2}));
  for (const PublishResult result : results) EXPECT_TRUE(result);
  EXPECT_EQ(counts.offered, 5U);
  EXPECT_EQ(counts.handled, 3U);
  EXPECT_EQ(counts.dropped, 2U);
}

TEST_P(LossTest, B1_DropOldestKeepsWhatCameLast) {
  EXPECT_EQ(Got(Holding(2, Overflow::DropOldest()), {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}}),
            (std::vector<int>{3, 4}));
  for (const PublishResult result : results) EXPECT_TRUE(result);
  EXPECT_EQ(counts.dropped, 2U);
}

TEST_P(LossTest, B1_CoalesceKeepsTheLastOfEachKeyInThePlaceOfTheFirst) {
  EXPECT_EQ(Got(Holding(10, BySymbol()), {{"a", 1}, {"b", 2}, {"a", 3}, {"c", 4}, {"a", 5}}),
            (std::vector<int>{5, 2, 4}));
  EXPECT_EQ(counts.coalesced, 2U);
  EXPECT_EQ(counts.handled, 4U);
}

TEST_P(LossTest, B1_CoalesceIsRefusedOnlyWhatReplacesNothing) {
  EXPECT_EQ(Got(Holding(2, BySymbol(Nanoseconds::zero())),
                {{"a", 1}, {"b", 2}, {"a", 3}, {"c", 4}, {"b", 5}}),
            (std::vector<int>{3, 5}));
  ASSERT_EQ(results.size(), 5U);
  for (const std::size_t i : {0U, 1U, 2U, 4U}) EXPECT_TRUE(results[i]) << i;
  EXPECT_FALSE(results[3]);
  EXPECT_EQ(StatsOf<Price>().refused, 1U);
}

TEST_P(LossTest, E4_WhoLosesEventsIsNamed) {
  std::atomic<int> told{0};
  const Subscription watch = dispatcher->Subscribe([&](const Dropped& dropped) {
    if (dropped.listener == "show" && dropped.event_type == EventTypeOf<Price>()) ++told;
  });
  Got(Holding(1, Overflow::DropNewest()), {{"a", 1}, {"b", 2}, {"c", 3}});
  EXPECT_EQ(told, 2);
}

TEST_P(LossTest, APublisherWhoAsksIsToldWhoLostTheEvent) {
  Gate busy;
  Gate go_on;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Price& price) {
        if (price.symbol == "busy" && manual == nullptr) {
          busy.Open();
          go_on.Wait();
        }
      },
      Holding(1, Overflow::DropOldest()));
  ASSERT_TRUE(dispatcher->Publish(Price{"busy"}));
  if (manual == nullptr) busy.Wait();
  const Completion<PublishOutcome> first = dispatcher->PublishTracked(Price{"a", 1});
  const Completion<PublishOutcome> second = dispatcher->PublishTracked(Price{"b", 2});
  ASSERT_TRUE(first.WaitFor(kPatience)) << "it is dropped at once";
  ASSERT_EQ(first.Wait().deliveries.size(), 1U);
  EXPECT_EQ(first.Wait().deliveries[0].kind, DeliveryOutcome::Kind::kDropped);
  go_on.Open();
  Settle();
  ASSERT_TRUE(second.WaitFor(kPatience));
  EXPECT_TRUE(second.Wait().ok());
}

// What one listener refuses must cost another one nothing.
TEST_P(LossTest, B3_ARefusedEventDropsNothing) {
  if (threaded()) GTEST_SKIP() << "queues that nobody empties meanwhile";
  Subscription refuses = dispatcher->Subscribe([](const Price&) {}, Holding(1, Overflow::Reject()));
  std::vector<int> got;
  const Subscription loses = dispatcher->Subscribe(
      [&](const Price& price) { got.push_back(price.value); }, Holding(1, Overflow::DropOldest()));
  ListenerOptions keyed = Holding(1, Overflow::Reject());
  keyed.concurrency = 2;
  const Subscription refuses_too = dispatcher->Subscribe([](const Price&) {}, keyed);
  ASSERT_TRUE(dispatcher->Publish(Price{"a", 1}));
  EXPECT_EQ(dispatcher->Publish(Price{"a", 2}).refuser(), refuses.id());
  refuses.Reset();
  EXPECT_EQ(dispatcher->Publish(Price{"a", 3}).refuser(), refuses_too.id());
  Settle();
  EXPECT_EQ(got, (std::vector<int>{1}));
}

TEST_P(LossTest, B3_WhatAMailboxRefusesKeepsNoPlaceInTheLog) {
  if (threaded()) GTEST_SKIP() << "queues that nobody empties meanwhile";
  const Subscription in_log =
      dispatcher->Subscribe([](const Price&) {}, Holding(3, Overflow::Reject()));
  ListenerOptions two_at_once = Holding(1, Overflow::Reject());
  two_at_once.concurrency = 2;
  const Subscription in_mailbox = dispatcher->Subscribe([](const Price&) {}, two_at_once);
  ASSERT_TRUE(dispatcher->Publish(Price{"a", 1}));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(dispatcher->Publish(Price{"a", 2}).refuser(), in_mailbox.id());
  }
}

TEST_P(LossTest, B1_ABlockedPublisherGetsThePlaceInAMailbox) {
  if (!threaded()) GTEST_SKIP() << "needs somebody who empties the queue";
  Gate busy;
  Gate go_on;
  std::vector<int> got;
  ListenerOptions options = Holding(1, Overflow::Block(kPatience));
  options.key = [](const Price& price) { return price.symbol; };
  const Subscription listener = dispatcher->Subscribe(
      [&](const Price& price) {
        if (price.value == 0) {
          busy.Open();
          go_on.Wait();
        }
        got.push_back(price.value);
      },
      options);
  ASSERT_TRUE(dispatcher->Publish(Price{"a", 0}));
  busy.Wait();
  ASSERT_TRUE(dispatcher->Publish(Price{"a", 1}));
  std::atomic<bool> through{false};
  std::thread waiting([&] {
    EXPECT_TRUE(dispatcher->Publish(Price{"a", 2}));
    through = true;
  });
  EXPECT_FALSE(through);
  go_on.Open();
  waiting.join();
  Settle();
  EXPECT_EQ(got, (std::vector<int>{0, 1, 2}));
}

TEST_P(LossTest, B1_ABlockedPublisherIsWokenByTheListenersEnd) {
  if (!threaded()) GTEST_SKIP() << "nobody is blocked there";
  Gate busy;
  Gate go_on;
  ListenerOptions options = Holding(1, Overflow::Block(kPatience));
  options.concurrency = 2;
  options.key = [](const Price& price) { return price.symbol; };
  Subscription listener = dispatcher->Subscribe(
      [&](const Price&) {
        busy.Open();
        go_on.Wait();
      },
      options);
  ASSERT_TRUE(dispatcher->Publish(Price{"a", 0}));
  busy.Wait();
  ASSERT_TRUE(dispatcher->Publish(Price{"a", 1}));
  std::thread waiting([&] { EXPECT_TRUE(dispatcher->Publish(Price{"a", 2})); });
  std::this_thread::yield();
  listener.Detach();
  waiting.join();
  go_on.Open();
  Settle();
}

TEST_P(LossTest, E4_WhoLosesEventsAboutLossesIsNotNamed) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "queues that nobody empties meanwhile";
  const Subscription told =
      dispatcher->Subscribe([](const Dropped&) {}, Holding(1, Overflow::DropNewest()));
  const Subscription loses =
      dispatcher->Subscribe([](const Price&) {}, Holding(1, Overflow::DropNewest()));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(dispatcher->Publish(Price{"a", i}));
  Settle();
  EXPECT_EQ(StatsOf<Price>().deliveries.dropped, 4U);
  EXPECT_EQ(StatsOf<Dropped>().published, 4U);
}

// Whatever it was subscribed with: nobody waits for it, and it costs no other listener anything.
TEST_P(LossTest, E4_ASlowListenerOfLibraryEventsWithAMailboxLosesTheOldest) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "queues that nobody empties meanwhile";
  const auto number = [](const Dropped& dropped) { return dropped.listener_id; };
  for (const Overflow& overflow : {Overflow{}, Overflow::Reject(), Overflow::Coalesce(number)}) {
    std::vector<ListenerId> some;
    std::vector<ListenerId> all;
    ListenerOptions options = Holding(2, overflow);
    options.key = number;
    const Subscription slow = dispatcher->Subscribe(
        [&](const Dropped& dropped) { some.push_back(dropped.listener_id); }, options);
    const Subscription other =
        dispatcher->Subscribe([&](const Dropped& dropped) { all.push_back(dropped.listener_id); });
    std::vector<Subscription> losing;
    std::vector<ListenerId> ids;
    for (int i = 0; i < 4; ++i) {
      losing.push_back(
          dispatcher->Subscribe([](const Price&) {}, Holding(1, Overflow::DropNewest())));
      ids.push_back(losing.back().id());
    }
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(dispatcher->Publish(Price{"a", i}));
    Settle();
    EXPECT_EQ(all, ids);
    EXPECT_EQ(some, (std::vector<ListenerId>{ids[2], ids[3]}));
  }
  EXPECT_EQ(StatsOf<Dropped>().refused, 0U);
}

// The event is accepted by then: all the others get it, and what it replaced is gone.
TEST_P(LossTest, E1_APublisherWhoseThreadEndsWhileALossIsToldLosesNothingElse) {
  Gate busy;
  Gate go_on;
  const Subscription loses = dispatcher->Subscribe(
      [&](const Held&) {
        busy.Open();
        if (manual == nullptr) go_on.Wait();
      },
      Holding(1, Overflow::DropNewest()));
  const auto same = [](const Held&) { return 1; };
  const Subscription replaces = dispatcher->Subscribe(
      [&](const Held&) {
        if (manual == nullptr) go_on.Wait();
      },
      Holding(2, Overflow::Coalesce(same)));
  const auto replaced = std::make_shared<int>(1);
  ASSERT_TRUE(dispatcher->Publish(Held{}));
  if (manual == nullptr) busy.Wait();
  ASSERT_TRUE(dispatcher->Publish(Held{replaced}));
  std::atomic<int> calls{0};
  const Subscription idle =
      dispatcher->Subscribe([&](const Held&) { ++calls; }, Holding(1, Overflow::DropOldest()));
  const Subscription ends =
      dispatcher->Subscribe([](const Dropped&) { pthread_exit(nullptr); }, {.run = Run::kInline});
  std::thread doomed([&] { static_cast<void>(dispatcher->Publish(Held{})); });
  doomed.join();
  go_on.Open();
  if (manual != nullptr) manual->RunUntilIdle();
  EXPECT_EQ(dispatcher->Drain(std::chrono::seconds(2)), DrainResult::kDrained);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(replaced.use_count(), 1);
}

// One that would not fit then either costs nobody his place.
TEST_P(LossTest, B1_DropOldestDropsNothingForWhatGetsNoRoomByThat) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "queues that nobody empties meanwhile";
  std::vector<std::size_t> got;
  ListenerOptions options = Holding(10, Overflow::DropOldest());
  options.queue.bytes_max = 10;
  const Subscription loses =
      dispatcher->Subscribe([&](const Parcel& parcel) { got.push_back(parcel.weight); }, options);
  ASSERT_TRUE(dispatcher->Publish(Parcel(1)));
  ASSERT_TRUE(dispatcher->Publish(Parcel(6, [&] { EXPECT_TRUE(dispatcher->Publish(Parcel(8))); })));
  Settle();
  EXPECT_EQ(got, (std::vector<std::size_t>{1, 6}));
  EXPECT_EQ(StatsOf<Parcel>().deliveries.dropped, 1U);
}

// What it has left refuses nothing, and loses nothing either.
TEST_P(LossTest, E3_AListenerThatEndsDuringAPublishDoesNotRefuseIt) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "queues that nobody empties meanwhile";
  Subscription ends;
  ListenerOptions options = Holding(1, Overflow::Reject());
  options.key = [&](const Parcel& parcel) {
    if (parcel.weight == 2) ends.Detach();
    return parcel.weight;
  };
  ends = dispatcher->Subscribe([](const Parcel&) {}, options);
  int calls = 0;
  const Subscription stays = dispatcher->Subscribe([&](const Parcel&) { ++calls; });
  ASSERT_TRUE(dispatcher->Publish(Parcel(1, [&] { EXPECT_TRUE(dispatcher->Publish(Parcel(2))); })));
  Settle();
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace belfry
