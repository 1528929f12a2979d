// O1, O2, O4 and the order of inline and synchronous listeners.

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Step {
  int publisher = 0;
  int number = 0;
};

class OrderTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(OrderTest);

TEST_P(OrderTest, O1_OnePublishersEventsReachOneListenerInOrder) {
  constexpr int kEvents = 3000;
  std::mutex mutex;
  std::map<int, std::vector<int>> got;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Step& e) {
        const std::lock_guard lock(mutex);
        got[e.publisher].push_back(e.number);
      },
      Options());
  PublishFromThreads(3, kEvents, [](int publisher, int number) { return Step{publisher, number}; });
  for (int p = 0; p < 3; ++p) {
    ASSERT_EQ(got[p].size(), static_cast<std::size_t>(kEvents));
    for (int i = 0; i < kEvents; ++i) ASSERT_EQ(got[p][static_cast<std::size_t>(i)], i);
  }
}

TEST_P(OrderTest, O4_EveryListenerStartsAnEventBeforeTheOneThatItsListenerPublishes) {
  if (mode() == Mode::kInline) {
    GTEST_SKIP() << "inline listeners recurse: a nested publish runs before the outer goes on";
  }
  constexpr int kEvents = 300;
  struct Chain {
    int story;
    int link;
  };
  constexpr int kLinks = 4;
  constexpr std::size_t kListeners = 6;
  std::mutex mutex;
  std::vector<std::map<int, int>> last(kListeners);  // of each listener: story → link
  std::atomic<int> wrong{0};
  std::vector<Subscription> listeners;
  ListenerOptions options = Options();
  options.queue.events_max = 100'000;
  for (std::size_t l = 0; l < kListeners; ++l) {
    listeners.push_back(dispatcher->Subscribe(
        [&, l](const Chain& e) {
          {
            const std::lock_guard lock(mutex);
            if (e.link > 0 && last[l][e.story] != e.link - 1) ++wrong;
            last[l][e.story] = e.link;
          }
          // A different listener publishes each link, so that each may run ahead of the others.
          if (e.link < kLinks && static_cast<std::size_t>(e.story + e.link) % kListeners == l) {
            EXPECT_TRUE(dispatcher->Publish(Chain{e.story, e.link + 1}));
          }
        },
        options));
  }
  for (int story = 0; story < kEvents; ++story) ASSERT_TRUE(dispatcher->Publish(Chain{story, 0}));
  Settle();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(StatsOf<Chain>().deliveries.handled, kEvents * (kLinks + 1) * kListeners);
}

TEST_P(OrderTest, O5_SynchronousListenersRunInTheOrderOfTheirSubscription) {
  if (mode() != Mode::kSynchronous) GTEST_SKIP() << "O5: elsewhere there is no such order";
  std::string order;
  std::vector<Subscription> listeners;
  for (const char name : {'a', 'b', 'c', 'd'}) {
    listeners.push_back(
        dispatcher->Subscribe([&, name](const Step&) { order += name; }, Options()));
  }
  ASSERT_TRUE(dispatcher->Publish(Step{}));
  listeners[1].Reset();
  ASSERT_TRUE(dispatcher->Publish(Step{}));
  EXPECT_EQ(order, "abcdacd");
}

class SerialTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, SerialTest,
                         testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

TEST_P(SerialTest, O2_DeliveriesOfOneListenerNeverOverlapAndSeeEachOthersWrites) {
  constexpr int kEvents = 3000;
  std::atomic<int> inside{0};
  std::atomic<int> overlaps{0};
  int plain = 0;  // ThreadSanitizer watches it
  const Subscription listener = dispatcher->Subscribe(
      [&](const Step&) {
        if (inside.fetch_add(1) != 0) ++overlaps;
        ++plain;
        inside.fetch_sub(1);
      },
      Options());
  PublishFromThreads(2, kEvents, [](int publisher, int number) { return Step{publisher, number}; });
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(plain, 2 * kEvents);
}

// What is more than the event itself, such as headers, takes another way into the queue.
TEST_P(OrderTest, O1_D4_EventsWithAndWithoutHeadersReachTheQueueInOneOrder) {
  constexpr int kEvents = 1000;
  std::mutex mutex;
  std::vector<std::vector<int>> got(2);
  const Subscription listener = dispatcher->Subscribe(
      [&](const Step& e) {
        const std::lock_guard lock(mutex);
        got[static_cast<std::size_t>(e.publisher)].push_back(e.number);
      },
      Options());
  std::atomic<int> publishing{2};
  std::vector<std::thread> publishers;
  for (int p = 0; p < 2; ++p) {
    publishers.emplace_back([&, p] {
      for (int i = 0; i < kEvents; ++i) {
        PublishOptions options;
        if (i % 3 == 0) options.headers = {{"user", "ada"}};
        const Step step{p, i};
        while (!(i % 3 == 0 ? dispatcher->Publish(Step(step), options)
                            : dispatcher->Publish(Step(step)))) {
          std::this_thread::yield();
        }
      }
      --publishing;
    });
  }
  if (manual != nullptr) {
    EXPECT_TRUE(Eventually([&] { return manual->RunUntilIdle() == 0 && publishing == 0; }));
  }
  for (std::thread& publisher : publishers) publisher.join();
  Settle();
  for (const std::vector<int>& each : got) {
    ASSERT_EQ(each.size(), static_cast<std::size_t>(kEvents));
    EXPECT_TRUE(std::is_sorted(each.begin(), each.end()));
  }
}

class TurnTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, TurnTest, testing::Values(Mode::kManual), ModeTestName);

TEST_P(TurnTest, B5_AListenerWithMuchToDoLetsOthersHaveTheirTurn) {
  constexpr int kTurn = 256;
  struct Other {};
  int calls = 0;
  int other_calls = 0;
  const Subscription busy = dispatcher->Subscribe([&](const Step&) { ++calls; });
  const Subscription other = dispatcher->Subscribe([&](const Other&) { ++other_calls; });
  for (int i = 0; i < 2 * kTurn + 1; ++i) ASSERT_TRUE(dispatcher->Publish(Step{}));
  ASSERT_TRUE(dispatcher->Publish(Other{}));
  EXPECT_TRUE(manual->RunOne());
  EXPECT_EQ(calls, kTurn);
  EXPECT_TRUE(manual->RunOne());
  EXPECT_EQ(other_calls, 1);
  EXPECT_EQ(manual->RunUntilIdle(), 2U);
  EXPECT_EQ(calls, 2 * kTurn + 1);
}

TEST_P(TurnTest, B5_ATurnIsAsLongWithEventsThatAreMoreThanBytes) {
  constexpr int kTurn = 256;
  struct Letter {
    std::string text;
  };
  int calls = 0;
  const Subscription busy = dispatcher->Subscribe([&](const Letter&) { ++calls; });
  for (int i = 0; i < kTurn + 1; ++i) ASSERT_TRUE(dispatcher->Publish(Letter{}));
  EXPECT_TRUE(manual->RunOne());
  EXPECT_EQ(calls, kTurn);
  EXPECT_EQ(manual->RunUntilIdle(), 1U);
  EXPECT_EQ(calls, kTurn + 1);
}

class SynchronousTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, SynchronousTest, testing::Values(Mode::kSynchronous), ModeTestName);

TEST_P(SynchronousTest, NestedPublishesWaitTheirTurnBreadthFirst) {
  struct Other {
    int number;
  };
  std::string order;
  const Subscription one = dispatcher->Subscribe([&](const Step& e) {
    order += "1:" + std::to_string(e.number) + " ";
    if (e.number == 0) {
      EXPECT_TRUE(dispatcher->Publish(Step{0, 1}));
      EXPECT_TRUE(dispatcher->Publish(Other{2}));
    }
  });
  const Subscription two =
      dispatcher->Subscribe([&](const Step& e) { order += "2:" + std::to_string(e.number) + " "; },
                            {.run = Run::kInline});
  const Subscription three = dispatcher->Subscribe(
      [&](const Other& e) { order += "3:" + std::to_string(e.number) + " "; });
  ASSERT_TRUE(dispatcher->Publish(Step{0, 0}));
  EXPECT_EQ(order, "1:0 2:0 1:1 2:1 3:2 ") << "first in, first out, whoever listens";
}

TEST_P(SynchronousTest, O5_WhoComesBetweenTwoEventsGetsTheSecondInItsTurn) {
  std::string order;
  Subscription later;
  const Subscription first = dispatcher->Subscribe(
      [&](const Step& e) {
        order += "1:" + std::to_string(e.number) + " ";
        if (e.number != 0) return;
        EXPECT_TRUE(dispatcher->Publish(Step{0, 1}));
        later = dispatcher->Subscribe(
            [&](const Step& next) { order += "2:" + std::to_string(next.number) + " "; });
        EXPECT_TRUE(dispatcher->Publish(Step{0, 2}));
      },
      {.overflow = Overflow::DropOldest()});
  ASSERT_TRUE(dispatcher->Publish(Step{0, 0}));
  EXPECT_EQ(order, "1:0 1:1 1:2 2:2 ");
}

TEST_P(SynchronousTest, ThreadsThatPublishAtOnceTakeTurns) {
  std::atomic<int> inside{0};
  std::atomic<int> overlaps{0};
  const Subscription listener = dispatcher->Subscribe([&](const Step& e) {
    if (inside.fetch_add(1) != 0) ++overlaps;
    if (e.number == 0) {
      EXPECT_TRUE(dispatcher->Publish(Step{e.publisher, 1}));
    }
    inside.fetch_sub(1);
  });
  std::vector<std::thread> publishers;
  for (int p = 0; p < 4; ++p) {
    publishers.emplace_back([&, p] {
      for (int i = 0; i < 500; ++i) EXPECT_TRUE(dispatcher->Publish(Step{p, 0}));
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(StatsOf<Step>().deliveries.handled, 4000U);
}

class InlineTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, InlineTest, testing::Values(Mode::kInline), ModeTestName);

TEST_P(InlineTest, NestedPublishesRecurseUntilDepthMaxAndAreRefusedThen) {
  Make([](DispatcherOptions& options) { options.depth_max = 10; });
  int deepest = 0;
  PublishResult last;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Step& e) {
        deepest = e.number;
        const PublishResult result = dispatcher->Publish(Step{0, e.number + 1});
        if (!result) last = result;
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Step{0, 1}));
  EXPECT_EQ(deepest, 10);
  EXPECT_EQ(last.code(), PublishResult::Code::kTooDeep);
  EXPECT_EQ(StatsOf<Step>().refused, 1U);
}

}  // namespace
}  // namespace belfry
