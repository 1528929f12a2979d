// R3: what users give to the library, their log hook and their allocator, may call back into it:
// no lock is held around them. One that is would hang here.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/library_events.h"
#include "belfry/manual_executor.h"
#include "belfry/subscription_bag.h"
#include "dispatch/counting_allocator.h"

namespace belfry {
namespace {

struct Load {
  std::string cargo;
};
struct Bytes {
  int number = 0;
};
struct Called {};

class ReentryTest : public testing::Test {
 protected:
  ManualExecutor executor;
  Dispatcher dispatcher{{.executor = &executor, .log = [](LogLevel, std::string_view) {}}};
  static inline Dispatcher* called = nullptr;
  static inline int calls = 0;

  // Runs `operation` with an allocator that uses the dispatcher before it allocates.
  template <class Operation>
  static void WithCallingAllocator(Dispatcher& dispatcher, Operation operation) {
    called = &dispatcher;
    calls = 0;
    struct Quiet {
      ~Quiet() { CallFromAllocations(nullptr); }
    };
    const Quiet quiet;
    CallFromAllocations([] {
      // What it publishes is delivered, which allocates, which publishes: some day that must end.
      if (++calls > 1'000) return;
      static_cast<void>(called->Publish(Called{}));
      static_cast<void>(called->Publish(Load{"from the allocator"}));
      static_cast<void>(called->Publish(Bytes{}));
      static_cast<void>(called->GetStats());
      Subscription temporary =
          called->Subscribe([](const Called&) {}, {.run = belfry::Run::kInline});
      static_cast<void>(temporary.Reset());
    });
    operation();
  }
};

TEST_F(ReentryTest, R3_AnAllocatorMayUseTheDispatcherThatAllocates) {
  ASSERT_TRUE(dispatcher.Publish(Called{}));  // known types: see the README of event
  ASSERT_TRUE(dispatcher.Publish(Load{}));
  ASSERT_TRUE(dispatcher.Publish(Bytes{}));
  SubscriptionBag bag;
  WithCallingAllocator(dispatcher, [&] {
    ListenerOptions options{.overflow = Overflow::Reject()};
    for (int i = 0; i < 20; ++i) {
      bag += dispatcher.Subscribe([](const Load&) {},
                                  {.name = std::string(50, 'n'), .overflow = Overflow::Reject()});
      bag += dispatcher.Subscribe([](const Load&) {}, {.run = belfry::Run::kInline});
      bag += dispatcher.Subscribe([](const Bytes&) {}, options);
      bag += dispatcher.Subscribe([](const ListenerFailed&) {}, options);
      bag += dispatcher.Subscribe([](const Load&) { throw 42; }, options);
    }
    for (int i = 0; i < 20; ++i) {
      static_cast<void>(dispatcher.Publish(Load{std::string(50, 'x')}));
      static_cast<void>(dispatcher.Publish(Bytes{i}));
      static_cast<void>(dispatcher.PublishTracked(Load{}));
      executor.RunUntilIdle();
    }
    Subscription replaced = dispatcher.Subscribe([](const Bytes&) {}, options);
    static_cast<void>(replaced.Replace([text = std::string(50, 'x')](const Bytes&) {}));
    const Source source = dispatcher.AddSource("source", [] {});
    EXPECT_EQ(bag.Reset(), ResetResult::kDone);
    EXPECT_GT(calls, 100);
  });
  executor.RunUntilIdle();
}

TEST_F(ReentryTest, R3_HoweverManyListenStatsAllocateUnderNoLock) {
  ASSERT_TRUE(dispatcher.Publish(Called{}));
  ASSERT_TRUE(dispatcher.Publish(Load{}));
  ASSERT_TRUE(dispatcher.Publish(Bytes{}));
  for (const std::size_t name_size : {std::size_t{0}, std::size_t{200}}) {
    SubscriptionBag bag;
    for (int i = 0; i < 40; ++i) {
      bag += dispatcher.Subscribe(
          [](const Load&) {}, {.name = std::string(name_size, 'n'), .run = belfry::Run::kInline});
      WithCallingAllocator(dispatcher, [&] {
        EXPECT_EQ(dispatcher.GetStats().listeners.size(), static_cast<std::size_t>(i) + 1);
      });
      EXPECT_GT(calls, 0);
    }
  }
}

TEST_F(ReentryTest, R3_ALogHookMayDoAnythingAListenerMay) {
  int told = 0;
  ManualExecutor own;
  std::unique_ptr<Dispatcher> talking;
  Subscription victim;
  talking = std::make_unique<Dispatcher>(DispatcherOptions{
      .executor = &own, .log = [&](LogLevel, std::string_view) {
        if (++told > 20) return;
        EXPECT_TRUE(talking->Publish(Called{}) || talking->closed());
        static_cast<void>(talking->GetStats());
        Subscription temporary =
            talking->Subscribe([](const Bytes&) {}, {.run = belfry::Run::kInline});
        victim.Mute();
        victim.Unmute();
        victim.Detach();
        EXPECT_NE(temporary.Reset(), ResetResult::kWouldDeadlock);
      }});
  const auto expect_told = [&](const char* of) { EXPECT_GT(std::exchange(told, 0), 0) << of; };
  victim = talking->Subscribe([](const Bytes&) {});
  const Subscription refused = talking->Subscribe([](const Bytes&) {}, {.name = "a\nb"});
  expect_told("a refused Subscribe");
  victim = talking->Subscribe([](const Bytes&) {});
  const Subscription queued = talking->Subscribe([](const Bytes&) { throw 42; });
  const Subscription inlined =
      talking->Subscribe([](const Bytes&) { throw 42; }, {.run = belfry::Run::kInline});
  EXPECT_TRUE(talking->Publish(Bytes{}));
  expect_told("an inline listener that failed");
  own.RunUntilIdle();
  expect_told("a queued listener that failed");
  const Source source = talking->AddSource("stuck", [] { throw 42; });
  static_cast<void>(talking->Shutdown(ShutdownMode::kDiscard, std::chrono::seconds(1)));
  expect_told("a source that does not stop");
}

}  // namespace
}  // namespace belfry
