// What a listener does to the pass that calls it: ends others of it, adds to it, publishes inside.

#include <pthread.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"
#include "scale.h"

namespace belfry {
namespace {

struct Ring {
  int number = 0;
};
struct Link {
  int left = 0;
};

class NestingTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(NestingTest);

// One type of callable, so that inline ones lie side by side.
struct Counting {
  std::atomic<int>* calls;
  void operator()(const Ring&) const { ++*calls; }
};

// More than one group of inline listeners has room for.
constexpr int kMany = 70;

TEST_P(NestingTest, X1_NoneOfManyLaterOnesIsCalledAfterAnEarlierOneHasEndedThemAll) {
  for (const bool waiting : {true, false}) {
    SCOPED_TRACE(waiting ? "Reset" : "Detach");
    std::atomic<int> calls{0};
    std::atomic<int> calls_at_the_end{-1};
    std::vector<Subscription> others;
    const Subscription first = dispatcher->Subscribe(
        [&](const Ring&) {
          for (Subscription& other : others) {
            if (!waiting) {
              other.Detach();
            } else {
              EXPECT_EQ(other.Reset(), ResetResult::kDone);
            }
          }
          // A detached one may be in its last call on another thread.
          if (waiting || !threaded()) calls_at_the_end = calls.load();
        },
        Options());
    for (int i = 0; i < kMany; ++i) {
      others.push_back(dispatcher->Subscribe(Counting{&calls}, Options()));
    }
    ASSERT_TRUE(dispatcher->Publish(Ring{}));
    Settle();
    if (!threaded()) {
      EXPECT_EQ(calls, 0) << "the first one comes first there";
    }
    if (waiting || !threaded()) {
      EXPECT_EQ(calls, calls_at_the_end);
    }
    const int before = calls;
    ASSERT_TRUE(dispatcher->Publish(Ring{}));
    Settle();
    EXPECT_EQ(calls, before);
  }
}

// All of one callable type, so that the one that ends others lies among them.
struct Ending {
  std::function<void(int)>* call;
  int number;
  void operator()(const Ring&) const { (*call)(number); }
};

TEST_P(NestingTest, X1_WhoeverEndsNeighboursFromAmongThemKeepsThemFromTheirTurn) {
  if (threaded()) GTEST_SKIP() << "O5: there they may have had it";
  for (const bool waiting : {true, false}) {
    for (int ender = 0; ender < 10; ++ender) {
      std::vector<Subscription> all;
      std::vector<int> called;
      std::function<void(int)> call = [&](int number) {
        called.push_back(number);
        if (number != ender) return;
        for (const int later : {ender + 3, ender + 7}) {
          Subscription& other = all[static_cast<std::size_t>(later)];
          if (!waiting) {
            other.Detach();
          } else {
            EXPECT_EQ(other.Reset(), ResetResult::kDone);
          }
        }
      };
      for (int number = 0; number < 20; ++number) {
        all.push_back(dispatcher->Subscribe(Ending{&call, number}, Options()));
      }
      ASSERT_TRUE(dispatcher->Publish(Ring{}));
      Settle();
      EXPECT_EQ(called.size(), 18U);
      for (const int number : called) {
        EXPECT_NE(number, ender + 3);
        EXPECT_NE(number, ender + 7);
      }
    }
  }
}

TEST_P(NestingTest, X1_AnEarlierOneThatALaterOneEndsHasHadItsTurn) {
  if (threaded()) GTEST_SKIP() << "O5: there the later one may come first";
  std::atomic<int> calls{0};
  Subscription first = dispatcher->Subscribe(Counting{&calls}, Options());
  const Subscription second = dispatcher->Subscribe(
      [&](const Ring&) { EXPECT_EQ(first.Reset(), ResetResult::kDone); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  ASSERT_TRUE(dispatcher->Publish(Ring{}));
  Settle();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(StatsOf<Ring>().deliveries.cancelled, 0U);
}

// Each call subscribes one more like itself: in the same group, where the pass still is.
struct Doubling {
  Dispatcher* dispatcher;
  ListenerOptions options;
  std::atomic<int>* calls;
  std::mutex* mutex;
  std::vector<Subscription>* all;
  void operator()(const Ring&) const {
    ++*calls;
    Subscription next = dispatcher->Subscribe(*this, options);
    const std::lock_guard lock(*mutex);
    all->push_back(std::move(next));
  }
};

TEST_P(NestingTest, R1_WhoIsSubscribedInsideACallGetsTheNextEventNotThisOne) {
  std::atomic<int> calls{0};
  std::mutex mutex;
  std::vector<Subscription> all;
  all.push_back(dispatcher->Subscribe(Doubling{dispatcher.get(), Options(), &calls, &mutex, &all},
                                      Options()));
  constexpr int kEvents = 8;  // 128 listeners at the end
  for (int event = 1; event <= kEvents; ++event) {
    ASSERT_TRUE(dispatcher->Publish(Ring{event}));
    Settle();
    ASSERT_EQ(calls, (1 << event) - 1);
  }
}

// Resets itself and subscribes its successor: whose cell is used again under the pass's feet.
TEST_P(NestingTest, R2_AListenerThatPutsAnotherOneInItsPlaceDoesNotMakeThatOneGetTheEvent) {
  std::vector<int> got;
  Subscription current;
  std::function<void(const Ring&)> body = [&](const Ring& e) {
    got.push_back(e.number);
    EXPECT_EQ(current.Reset(), ResetResult::kDeferred);
    current = dispatcher->Subscribe<Ring>([&](const Ring& event) { body(event); }, Options());
  };
  current = dispatcher->Subscribe<Ring>([&](const Ring& event) { body(event); }, Options());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Ring{i}));
    Settle();
    ASSERT_EQ(got.size(), static_cast<std::size_t>(i) + 1);
    ASSERT_EQ(got.back(), i);
  }
}

constexpr std::size_t kSmallStack = std::size_t{kSanitized ? 256 : 64} << 10;

void RunOnSmallStack(std::function<void()> work, std::size_t stack = kSmallStack) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  ASSERT_EQ(pthread_attr_setstacksize(&small, stack), 0);
  pthread_t thread{};
  ASSERT_EQ(
      pthread_create(
          &thread, &small,
          [](void* w) -> void* { return (*static_cast<std::function<void()>*>(w))(), nullptr; },
          &work),
      0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&small);
}

// Wherever a nested publish is queued.
class ChainTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, ChainTest, testing::Values(Mode::kSynchronous, Mode::kManual),
                         ModeTestName);

TEST_P(ChainTest, O4_AMillionPublishesEachInsideTheOneBeforeNeedNoStack) {
  constexpr int kLinks = 1'000'000;
  int others = 0;
  const Subscription chain = dispatcher->Subscribe([&](const Link& e) {
    if (e.left > 0) static_cast<void>(dispatcher->Publish(Link{e.left - 1}));
  });
  const Subscription beside = dispatcher->Subscribe([&](const Link&) { ++others; });
  bool published = false;
  RunOnSmallStack([&] {
    published = dispatcher->Publish(Link{kLinks}).ok();
    if (manual != nullptr) manual->RunUntilIdle();
  });
  EXPECT_TRUE(published);
  EXPECT_EQ(others, kLinks + 1);
  EXPECT_EQ(StatsOf<Link>().deliveries.handled, 2 * (kLinks + 1U));
}

TEST_P(ChainTest, O4_AMillionPublishesOfInlineListenersNeedNoStackOnASynchronousDispatcher) {
  if (mode() != Mode::kSynchronous) GTEST_SKIP() << "elsewhere they recurse, to depth_max";
  constexpr int kLinks = 1'000'000;
  const Subscription chain = dispatcher->Subscribe(
      [&](const Link& e) {
        if (e.left > 0) static_cast<void>(dispatcher->Publish(Link{e.left - 1}));
      },
      {.run = Run::kInline});
  RunOnSmallStack([&] { EXPECT_TRUE(dispatcher->Publish(Link{kLinks})); });
  EXPECT_EQ(StatsOf<Link>().deliveries.handled, kLinks + 1U);
}

class DepthTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, DepthTest, testing::Values(Mode::kInline), ModeTestName);

TEST_P(DepthTest, InlineListenersThatPublishForEverAreRefusedBeforeASmallStackEnds) {
  int calls = 0;
  PublishResult last;
  const Subscription endless = dispatcher->Subscribe(
      [&](const Link& e) {
        ++calls;
        const PublishResult result = dispatcher->Publish(Link{e.left + 1});
        if (!result) last = result;
      },
      Options());
  // A level takes a few hundred bytes, in a build without optimisation somewhat more than a KiB.
  RunOnSmallStack([&] { EXPECT_TRUE(dispatcher->Publish(Link{})); }, 2 * kSmallStack);
  EXPECT_EQ(calls, static_cast<int>(DispatcherOptions{}.depth_max));
  EXPECT_EQ(last.code(), PublishResult::Code::kTooDeep);
}

TEST_P(DepthTest, TwoDispatchersThatPublishToEachOtherForEverAreRefusedToo) {
  Make([](DispatcherOptions& options) { options.depth_max = 10; });
  Dispatcher other({.pool = {.threads = 1}, .depth_max = 10});
  int calls = 0;
  PublishResult last;
  const auto to = [&](Dispatcher& next) {
    return [&](const Link&) {
      ++calls;
      const PublishResult result = next.Publish(Link{});
      if (!result) last = result;
    };
  };
  const Subscription here = dispatcher->Subscribe(to(other), Options());
  const Subscription there = other.Subscribe(to(*dispatcher), Options());
  ASSERT_TRUE(dispatcher->Publish(Link{}));
  EXPECT_LE(calls, 20);
  EXPECT_EQ(last.code(), PublishResult::Code::kTooDeep);
}

TEST_P(DepthTest, ARefusedDepthIsOfOneChainNotOfTheThread) {
  Make([](DispatcherOptions& options) { options.depth_max = 3; });
  int calls = 0;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Link& e) {
        ++calls;
        if (e.left > 0) {
          EXPECT_TRUE(dispatcher->Publish(Link{e.left - 1}));
          EXPECT_TRUE(dispatcher->Publish(Link{e.left - 1}));
        }
      },
      Options());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(dispatcher->Publish(Link{2}));
  EXPECT_EQ(calls, 5 * 7);
  EXPECT_EQ(StatsOf<Link>().refused, 0U);
}

TEST_P(DepthTest, TheDepthIsALimitForInlineListenersAlone) {
  struct Unheard {};
  struct Queued {};
  Make([](DispatcherOptions& options) { options.depth_max = 3; });
  std::atomic<int> queued{0};
  const Subscription waiting = dispatcher->Subscribe([&](const Queued&) { ++queued; });
  PublishResult last;
  const Subscription endless = dispatcher->Subscribe(
      [&](const Link&) {
        if (last = dispatcher->Publish(Link{}); last) return;
        EXPECT_TRUE(dispatcher->Publish(Unheard{}));
        EXPECT_TRUE(dispatcher->Publish(Queued{}));
        EXPECT_TRUE(dispatcher->Publish(Queued{}, {.headers = {{"the", "long way"}}}));
        last = {};
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Link{}));
  Settle();
  EXPECT_EQ(queued, 2);
  EXPECT_EQ(StatsOf<Link>().refused, 1U);
}

}  // namespace
}  // namespace belfry
