// R4 and E3 when memory runs out: every allocation of every operation fails once, and in a second
// run all that follow it fail too.

#include "dispatch/out_of_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/library_events.h"
#include "belfry/manual_executor.h"
#include "belfry/manual_timers.h"
#include "belfry/subscription_bag.h"
#include "belfry/thread_pool.h"
#include "dispatch/counting_allocator.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Unheard {};

INSTANTIATE_TEST_SUITE_P(Memory, OutOfMemoryTest, testing::Values(Failing::kOne, Failing::kAllFrom),
                         [](const auto& failing) {
                           return failing.param == Failing::kOne ? "OneFails" : "AllFromOneOnFail";
                         });

TEST_P(OutOfMemoryTest, R4_ASubscribeThatFindsNoMemoryChangesNothing) {
  for (const auto run : {belfry::Run::kQueued, belfry::Run::kInline}) {
    std::vector<Subscription> made;
    made.reserve(100);
    const int failures = FailEachAllocationOf([&] {
      const std::size_t before = Listeners();
      std::string text(100, 'x');
      ListenerOptions options{.name = std::string(100, 'n'), .run = run};
      if (!Armed([&] {
            made.push_back(
                dispatcher.Subscribe([text = std::move(text)](const Load&) {}, std::move(options)));
          })) {
        EXPECT_EQ(Listeners(), before);
      }
    });
    EXPECT_GE(failures, 2);
    EXPECT_EQ(made.size(), 1U);
  }
}

TEST_P(OutOfMemoryTest, R4_WhoIsToldOfASubscribeWithoutMemoryKeepsNothingFromIt) {
  int came = 0;
  const int failures = FailEachAllocationOf([&] {
    came = 0;
    Dispatcher watched({.synchronous = true,
                        .listeners_per_site_max = 1,
                        .life_cycle = {.subscribed = [&](const ListenerInfo&) { ++came; }},
                        .log = [](LogLevel, std::string_view) {}});
    std::vector<Subscription> made;
    made.reserve(3);
    for (int i = 0; i < 3; ++i) {
      Armed([&] { made.push_back(watched.Subscribe([](const Load&) {})); });
    }
    EXPECT_EQ(watched.GetStats().listeners.size(), made.size());
  });
  EXPECT_GE(failures, 2);
  EXPECT_EQ(came, 3);
}

TEST_P(OutOfMemoryTest, E4_AWatcherThatFindsNoMemoryEndsNothing) {
  int told = 0;
  const int failures = FailEachAllocationOf([&] {
    told = 0;
    ManualTimers timers;
    Dispatcher watched({.synchronous = true,
                        .clock = &timers.clock(),
                        .timers = &timers,
                        .slow_after = std::chrono::seconds(1),
                        .log = [](LogLevel, std::string_view) {}});
    const Subscription telling = watched.Subscribe([&](const SlowListener&) { ++told; });
    const Subscription slow = watched.Subscribe(
        [&](const Load&) { Armed([&] { timers.Advance(std::chrono::seconds(3)); }); });
    EXPECT_TRUE(watched.Publish(Load{}));
    EXPECT_TRUE(watched.GetStats().types.at(0).deliveries.balanced());
  });
  EXPECT_GE(failures, 4);
  EXPECT_EQ(told, 1);
}

TEST_P(OutOfMemoryTest, R4_ABagThatFindsNoMemoryResetsWhatItWasGiven) {
  SubscriptionBag bag;
  std::size_t expected = 0;
  for (int i = 0; i < 5; ++i) {
    const int failures = FailEachAllocationOf([&] {
      Subscription subscription = dispatcher.Subscribe([](const Load&) {});
      expected += Armed([&] { bag += std::move(subscription); });
      EXPECT_EQ(bag.size(), expected);
      EXPECT_EQ(Listeners(), expected);
    });
    EXPECT_LE(failures, 1);
  }
}

TEST_P(OutOfMemoryTest, X4_AReplaceThatFindsNoMemoryLeavesTheFormerCallable) {
  for (const auto run : {belfry::Run::kQueued, belfry::Run::kInline}) {
    int former = 0;
    int next = 0;
    Subscription listener = dispatcher.Subscribe([&](const Load&) { ++former; }, {.run = run});
    int refused = 0;
    FailEachAllocationOf([&] {
      std::string text(100, 'x');
      const bool replaced = Armed([&] {
        static_cast<void>(listener.Replace([&, text = std::move(text)](const Load&) { ++next; }));
      });
      EXPECT_TRUE(dispatcher.Publish(Load{}));
      executor.RunUntilIdle();
      refused += !replaced;
      EXPECT_EQ(former, refused);
      EXPECT_EQ(next, replaced ? 1 : 0);
    });
    EXPECT_GE(refused, 1);
    EXPECT_EQ(next, 1);
  }
}

TEST_P(OutOfMemoryTest, E3_APublishThatFindsNoMemoryIsRefusedAndLeavesTheEventAlone) {
  int handled = 0;
  const Subscription queued = dispatcher.Subscribe([&](const Load&) { ++handled; });
  const Subscription inlined =
      dispatcher.Subscribe([&](const Load&) { ++handled; }, {.run = belfry::Run::kInline});
  int accepted = 0;
  const EventId link = dispatcher.NewEventId();
  const int failures = FailEachAllocationOf([&] {
    Load load{std::string(100, 'x')};
    PublishOptions options;
    options.links = {link};
    options.headers = {{"key", std::string(100, 'v')}};
    PublishResult result;
    EXPECT_TRUE(Armed([&] { result = dispatcher.Publish(std::move(load), std::move(options)); }));
    if (result) {
      ++accepted;
    } else {
      EXPECT_EQ(result.code(), PublishResult::Code::kOutOfMemory);
      EXPECT_EQ(load.cargo.size(), 100U);
    }
  });
  executor.RunUntilIdle();
  EXPECT_GE(failures, 2);
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(handled, 2);
}

TEST_P(OutOfMemoryTest, E3_AnEmplaceThatFindsNoMemoryPublishesNothing) {
  struct Pinned {
    explicit Pinned(int n) : number(n) {}
    Pinned(Pinned&&) = delete;
    int number;
  };
  int handled = 0;
  const Subscription loads = dispatcher.Subscribe([&](const Load&) { ++handled; });
  const Subscription pinned = dispatcher.Subscribe([&](const Pinned&) { ++handled; });
  const std::string cargo(100, 'x');
  int accepted = 0;
  const int of_loads = FailEachAllocationOf(
      [&] { Armed([&] { accepted += dispatcher.Emplace<Load>(cargo).ok(); }); });
  const int of_pinned =
      FailEachAllocationOf([&] { Armed([&] { accepted += dispatcher.Emplace<Pinned>(1).ok(); }); });
  executor.RunUntilIdle();
  EXPECT_GE(of_loads, 2) << "its own string, and the envelope";
  EXPECT_GE(of_pinned, 2) << "the event, and the pointer's own block";
  EXPECT_EQ(accepted, 2);
  EXPECT_EQ(handled, 2);
}

TEST_P(OutOfMemoryTest, E3_ATrackedPublishThatFindsNoMemoryPublishesNothingOrTells) {
  int handled = 0;
  const Subscription queued = dispatcher.Subscribe([&](const Load&) { ++handled; });
  const Subscription inlined =
      dispatcher.Subscribe([&](const Load&) { ++handled; }, {.run = belfry::Run::kInline});
  int expected = 0;
  const int failures = FailEachAllocationOf([&] {
    Load load{std::string(100, 'x')};
    std::optional<Completion<PublishOutcome>> told;
    Armed([&] { told.emplace(dispatcher.PublishTracked(std::move(load))); });
    executor.RunUntilIdle();
    if (told.has_value()) {
      ASSERT_TRUE(told->finished());
      const PublishOutcome& outcome = told->value();
      expected += outcome.result.ok() ? 2 : 0;
      EXPECT_EQ(outcome.deliveries.size() + outcome.unrecorded, outcome.result.ok() ? 2U : 0U);
    }
    EXPECT_EQ(handled, expected);
  });
  EXPECT_GE(failures, 2);
  EXPECT_GE(expected, 2);
}

// E3: accepted is accepted; what is told of it may be less.
TEST_P(OutOfMemoryTest, E3_DeliveriesNeedNoMemory) {
  int handled = 0;
  const Subscription failing = dispatcher.Subscribe([](const Load&) { throw 42; });
  const Subscription queued = dispatcher.Subscribe([&](const Load&) { ++handled; });
  const Subscription told = dispatcher.Subscribe([](const ListenerFailed&) {});
  int expected = 0;
  FailEachAllocationOf([&] {
    const auto outcome = dispatcher.PublishTracked(Load{});
    EXPECT_TRUE(dispatcher.Publish(Load{}));
    EXPECT_TRUE(Armed([&] { executor.RunUntilIdle(); }));
    executor.RunUntilIdle();
    expected += 2;
    EXPECT_EQ(handled, expected);
    ASSERT_TRUE(outcome.finished());
    EXPECT_EQ(outcome.value().deliveries.size() + outcome.value().unrecorded, 2U);
  });
}

TEST_P(OutOfMemoryTest, E4_TellingFailuresAndOrphansWithoutMemoryHarmsNobody) {
  const Subscription told = dispatcher.Subscribe([](const ListenerFailed&) {});
  const Subscription orphans = dispatcher.Subscribe([](const Orphaned&) {});
  const Subscription failing = dispatcher.Subscribe(
      [](const Load&) { throw 42; }, {.name = std::string(100, 'n'), .run = belfry::Run::kInline});
  EXPECT_TRUE(dispatcher.Publish(Load{}));  // a thread's first publish of a type needs memory
  EXPECT_TRUE(dispatcher.Publish(Unheard{}));
  const int failures = FailEachAllocationOf([&] {
    bool loads = false;
    bool unheard = false;
    EXPECT_TRUE(Armed([&] {
      loads = dispatcher.Publish(Load{}).ok();
      unheard = dispatcher.Publish(Unheard{}).ok();
    }));
    EXPECT_TRUE(loads && unheard) << "what goes wrong with the telling refuses no event";
  });
  executor.RunUntilIdle();
  EXPECT_GE(failures, 2);
}

TEST_P(OutOfMemoryTest, X2_AResetNeedsNoMemory) {
  for (const auto run : {belfry::Run::kQueued, belfry::Run::kInline}) {
    const int failures = FailEachAllocationOf([&] {
      Subscription subscription =
          dispatcher.Subscribe([text = std::make_unique<int>(1)](const Load&) {}, {.run = run});
      Subscription detached = dispatcher.Subscribe([](const Load&) {}, {.run = run});
      EXPECT_TRUE(dispatcher.Publish(Load{}));
      ResetResult result{};
      EXPECT_TRUE(Armed([&] {
        subscription.Mute();
        result = subscription.Reset();
        detached.Detach();
      }));
      EXPECT_EQ(result, ResetResult::kDone);
    });
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(Listeners(), 0U);
    executor.RunUntilIdle();
  }
}

// A thread's and a type's first publish allocate most.
template <int kNumber>
struct First {
  int number = kNumber;
};

TEST_P(OutOfMemoryTest, E3_TheFirstPublishOfATypeIsRefusedOrThrowsAndTheNextOneGoesOn) {
  using Operation = PublishResult (*)(Dispatcher&);
  static constexpr auto kPublish = []<int... n>(std::integer_sequence<int, n...>) {
    return std::array<Operation, sizeof...(n)>{
        [](Dispatcher& to) { return to.Publish(First<n>{}); }...};
  }
  (std::make_integer_sequence<int, 24>{});
  // Types stay known for the life of the process: each run of this test needs new ones.
  std::size_t number = GetParam() == Failing::kOne ? 0 : kPublish.size() / 2;
  const int failures = FailEachAllocationOf([&] {
    ASSERT_LT(number, kPublish.size());
    PublishResult result;
    const bool found = Armed([&] { result = kPublish[number](dispatcher); });
    if (failed() && found && !result) {
      EXPECT_EQ(result.code(), PublishResult::Code::kOutOfMemory);
    }
    EXPECT_TRUE(kPublish[number](dispatcher)) << "with memory";
    ++number;
  });
  EXPECT_GE(failures, 2);
}

TEST_P(OutOfMemoryTest, StatsAndSourcesThatFindNoMemoryThrowAndChangeNothing) {
  const Subscription queued = dispatcher.Subscribe([](const Load&) {});
  const Subscription inlined =
      dispatcher.Subscribe([](const Load&) {}, {.run = belfry::Run::kInline});
  FailEachAllocationOf([&] {
    Armed([&] { static_cast<void>(dispatcher.GetStats()); });
    EXPECT_EQ(Listeners(), 2U);
  });
  int stopped = 0;
  std::vector<Source> sources;
  sources.reserve(1);
  FailEachAllocationOf([&] {
    Armed([&] {
      sources.push_back(dispatcher.AddSource(std::string(100, 's'), [&] { ++stopped; }));
    });
  });
  EXPECT_TRUE(dispatcher.Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(stopped, 1);
}

TEST_P(OutOfMemoryTest, ADispatcherThatFindsNoMemoryIsNotMadeAndLeavesNothing) {
  { const Dispatcher warm({.pool = {.threads = 2}}); }
  int made = 0;
  const int failures = FailEachAllocationOf([&] {
    std::optional<Dispatcher> other;
    const std::int64_t before = LiveBlocks();
    Armed([&] {
      try {
        other.emplace(DispatcherOptions{.pool = {.threads = 2}});
      } catch (const std::system_error&) {  // a thread could not be started
      }
    });
    made += other.has_value();
    other.reset();
    EXPECT_EQ(LiveBlocks(), before);
    EXPECT_TRUE(Eventually([] { return CountThreads() == 0; }));
  });
  EXPECT_GE(failures, 3);
  EXPECT_EQ(made, 1);
}

// S4: it has nobody to tell, so it must do without.
TEST_P(OutOfMemoryTest, S4_TheDestructorNeedsNoMemory) {
  FailEachAllocationOf([&] {
    int handled = 0;
    ManualExecutor own;
    std::optional<Dispatcher> dying(DispatcherOptions{.executor = &own});
    const Subscription queued = dying->Subscribe([&](const Load&) { ++handled; });
    const Subscription inlined =
        dying->Subscribe([&](const Load&) { ++handled; }, {.run = belfry::Run::kInline});
    EXPECT_TRUE(dying->Publish(Load{}));
    Armed([&] { dying.reset(); });
    EXPECT_EQ(handled, 1);
  });
}

TEST(ThreadPoolMemoryTest, ASpareThreadThatFindsNoMemoryToTellOfItselfWorksAllTheSame) {
  ThreadPool pool({.threads = 1, .spare_max = 1});
  std::atomic<int> told{0};
  const std::shared_ptr<void> observer = pool.OnSpareThread([&](unsigned) { ++told; });
  const auto need_a_spare_thread = [&](const std::function<void()>& on_it) {
    Gate go_on;
    Gate ended;
    pool.Post([&] {
      {
        const BlockingScope blocking;
        go_on.Wait();
      }
      ended.Open();
    });
    pool.Post([&] {
      on_it();
      go_on.Open();
    });
    ended.Wait();
  };
  for (int i = 0; i < 10; ++i) {
    need_a_spare_thread([] { FailAllocationsFrom(1); });  // on that thread only
    need_a_spare_thread([] { FailAllocation(0); });
  }
  EXPECT_GE(told, 1);
}

}  // namespace
}  // namespace belfry
