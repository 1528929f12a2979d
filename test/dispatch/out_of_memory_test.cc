// R4 and E3 when memory runs out: every allocation of every operation fails once.

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/completion.h"
#include "belfry/dispatcher.h"
#include "belfry/library_events.h"
#include "belfry/manual_executor.h"
#include "dispatch/counting_allocator.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Load {
  std::string cargo;
};
struct Unheard {};

class OutOfMemoryTest : public testing::Test {
 protected:
  ManualExecutor executor;
  Dispatcher dispatcher{{.executor = &executor, .log = [](LogLevel, std::string_view) {}}};

  // Runs `operation` again and again; after it has called Arm, its first allocation fails, the next
  // time its second, and so on until none is left to fail. Returns how many there were.
  template <class Operation>
  int FailEachAllocationOf(Operation operation) {
    for (int failures = 0;; ++failures) {
      next_ = static_cast<std::uint64_t>(failures) + 1;
      operation();
      const bool failed = AllocationFailed();
      FailAllocation(0);
      for (const TypeStats& type : dispatcher.GetStats().types) {
        EXPECT_TRUE(type.deliveries.balanced()) << type.event_type.name();
      }
      if (!failed) return failures;
    }
  }
  void Arm() const { FailAllocation(next_); }

 private:
  std::uint64_t next_ = 0;
};

TEST_F(OutOfMemoryTest, R4_ASubscribeThatFindsNoMemoryChangesNothing) {
  std::vector<Subscription> made;
  made.reserve(100);
  const int failures = FailEachAllocationOf([&] {
    const std::size_t before = made.size();
    Arm();
    try {
      made.push_back(dispatcher.Subscribe([text = std::string(100, 'x')](const Load&) {},
                                          {.name = std::string(100, 'n')}));
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(dispatcher.GetStats().listeners.size(), before);
    }
  });
  EXPECT_GT(failures, 3);
  EXPECT_EQ(made.size(), 1U);
}

// On a dispatcher of its own each time: what one attempt has left would be there for the next.
TEST_F(OutOfMemoryTest, R4_TheFirstSubscribeOfATypeThatFindsNoMemoryCanBeDoneAgain) {
  for (const belfry::Run run : {belfry::Run::kQueued, belfry::Run::kInline}) {
    int failures = 0;
    for (bool failed = true; failed; failures += failed) {
      Dispatcher fresh({.executor = &executor, .log = [](LogLevel, std::string_view) {}});
      const auto subscribe = [&] {
        return fresh.Subscribe([text = std::string(100, 'x')](const Load&) {},
                               {.name = std::string(100, 'n'), .run = run});
      };
      Subscription subscription;
      FailAllocation(static_cast<std::uint64_t>(failures) + 1);
      try {
        subscription = subscribe();
      } catch (const std::bad_alloc&) {
      }
      failed = AllocationFailed();
      FailAllocation(0);
      EXPECT_EQ(static_cast<bool>(subscription), !failed);
      EXPECT_EQ(fresh.GetStats().listeners.size(), failed ? 0U : 1U);
      const Subscription again = subscribe();
      EXPECT_TRUE(fresh.Publish(Load{}));
      executor.RunUntilIdle();
    }
    EXPECT_GE(failures, 5) << "a block of topics, a topic, a listener, and places for it";
  }
}

TEST_F(OutOfMemoryTest, E3_APublishThatFindsNoMemoryIsRefusedAndLeavesTheEventAlone) {
  int handled = 0;
  const Subscription queued = dispatcher.Subscribe([&](const Load&) { ++handled; });
  const Subscription inlined =
      dispatcher.Subscribe([&](const Load&) { ++handled; }, {.run = Run::kInline});
  int accepted = 0;
  const EventId link = dispatcher.NewEventId();
  const int failures = FailEachAllocationOf([&] {
    Load load{std::string(100, 'x')};
    PublishOptions options;
    options.links = {link};
    options.headers = {{"key", std::string(100, 'v')}};
    Arm();
    const PublishResult result = dispatcher.Publish(std::move(load), std::move(options));
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

// The library keeps a record of each thread, and uses those of threads that have ended again: none
// of these ends before all have begun.
TEST_F(OutOfMemoryTest, E3_AThreadsFirstPublishThatFindsNoMemoryIsRefused) {
  struct Inlined {
    int number = 0;
  };
  struct Queued {
    int number = 0;
  };
  std::atomic<int> handled{0};
  const Subscription inlined =
      dispatcher.Subscribe([&](const Inlined&) { ++handled; }, {.run = Run::kInline});
  const Subscription queued = dispatcher.Subscribe([&](const Queued&) { ++handled; });
  Gate all_began;
  std::vector<std::thread> threads;
  const auto on_new_thread = [&](auto publish) {
    const Completion<bool> done;
    threads.emplace_back([&, publish, done] {
      done.Finish(publish());
      all_began.Wait();
    });
    return done.Wait();
  };
  for (int i = 0; i < 16; ++i) {  // takes the records that other tests have left
    on_new_thread([&] { return dispatcher.Publish(Unheard{}).ok(); });
  }
  const auto fail_each = [&](auto event) {
    int failures = 0;
    while (on_new_thread([&] {
      FailAllocation(static_cast<std::uint64_t>(failures) + 1);
      const PublishResult result = dispatcher.Publish(decltype(event)(event));
      const bool failed = AllocationFailed();
      FailAllocation(0);
      EXPECT_EQ(result.code(),
                failed ? PublishResult::Code::kOutOfMemory : PublishResult::Code::kAccepted);
      return failed;
    })) {
      ++failures;
    }
    return failures;
  };
  EXPECT_GE(fail_each(Inlined{}), 2) << "a record, and a place for its counts";
  EXPECT_GE(fail_each(Queued{}), 1);
  all_began.Open();
  for (std::thread& thread : threads) thread.join();
  executor.RunUntilIdle();
  EXPECT_EQ(handled, 2);
}

TEST_F(OutOfMemoryTest, E4_TellingFailuresAndOrphansWithoutMemoryHarmsNobody) {
  const Subscription told = dispatcher.Subscribe([](const ListenerFailed&) {});
  const Subscription orphans = dispatcher.Subscribe([](const Orphaned&) {});
  const Subscription failing = dispatcher.Subscribe(
      [](const Load&) { throw 42; }, {.name = std::string(100, 'n'), .run = Run::kInline});
  int published = 0;
  EXPECT_TRUE(dispatcher.Publish(Load{}));  // a thread's first publish of a type needs memory
  const int failures = FailEachAllocationOf([&] {
    Arm();
    published += dispatcher.Publish(Load{}).ok();
    EXPECT_TRUE(dispatcher.Publish(Unheard{}));
  });
  executor.RunUntilIdle();
  EXPECT_GE(failures, 3);
  EXPECT_EQ(published, failures + 1) << "an inline listener's failure refuses no event";
}

TEST_F(OutOfMemoryTest, X2_AResetNeedsNoMemory) {
  FailEachAllocationOf([&] {
    Subscription subscription = dispatcher.Subscribe([](const Load&) {});
    EXPECT_TRUE(dispatcher.Publish(Load{}));
    Arm();
    EXPECT_EQ(subscription.Reset(), ResetResult::kDone);
  });
  EXPECT_TRUE(dispatcher.GetStats().listeners.empty());
  executor.RunUntilIdle();
}

}  // namespace
}  // namespace belfry
