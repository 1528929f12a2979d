// Memory that is needed once: for the first subscribe of a type, and a thread's first publish.

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "dispatch/counting_allocator.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Load {
  std::string cargo;
};

struct Unheard {};

class FirstUseTest : public testing::Test {
 protected:
  ManualExecutor executor;
  Dispatcher dispatcher{{.executor = &executor, .log = [](LogLevel, std::string_view) {}}};
};

// On a dispatcher of its own each time: what one attempt has left would be there for the next.
TEST_F(FirstUseTest, R4_TheFirstSubscribeOfATypeThatFindsNoMemoryCanBeDoneAgain) {
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

// The library keeps a record of each thread, and uses those of threads that have ended again: none
// of these ends before all have begun.
TEST_F(FirstUseTest, E3_AThreadsFirstPublishThatFindsNoMemoryIsRefused) {
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
  const auto fail_each = [&](auto event, bool with_header = false) {
    int failures = 0;
    while (on_new_thread([&] {
      PublishOptions options;
      if (with_header) options.headers = {{"k", "v"}};  // the long way
      FailAllocation(static_cast<std::uint64_t>(failures) + 1);
      const PublishResult result =
          with_header ? dispatcher.Publish(decltype(event)(event), std::move(options))
                      : dispatcher.Publish(decltype(event)(event));
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
  EXPECT_GE(fail_each(Inlined{}, true), 2) << "the header, and a record";
  all_began.Open();
  for (std::thread& thread : threads) thread.join();
  executor.RunUntilIdle();
  EXPECT_EQ(handled, 3);
}

}  // namespace
}  // namespace belfry
