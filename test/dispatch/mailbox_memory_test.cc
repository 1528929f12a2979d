// M2 and E3 of mailboxes when memory runs out: see out_of_memory_test.cc.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/out_of_memory.h"

namespace belfry {
namespace {

class MailboxMemoryTest : public OutOfMemoryTest {};
INSTANTIATE_TEST_SUITE_P(Memory, MailboxMemoryTest,
                         testing::Values(Failing::kOne, Failing::kAllFrom),
                         [](const auto& failing) {
                           return failing.param == Failing::kOne ? "OneFails" : "AllFromOneOnFail";
                         });

// What could not be taken out of its type's list keeps nobody alive.
TEST_P(MailboxMemoryTest, M2_AMailboxThatEndsWithoutMemoryLeavesNothing) {
  const auto alive = std::make_shared<int>(1);
  const int failures = FailEachAllocationOf([&] {
    {
      Dispatcher other({.executor = &executor, .log = [alive](LogLevel, std::string_view) {}});
      Subscription listener = other.Subscribe([](const Load&) {}, {.concurrency = 2});
      EXPECT_TRUE(other.Publish(Load{}));
      EXPECT_TRUE(Armed([&] { EXPECT_EQ(listener.Reset(), ResetResult::kDone); }));
    }
    executor.RunUntilIdle();
    EXPECT_EQ(alive.use_count(), 1);
  });
  EXPECT_GE(failures, 1);
}

TEST_P(MailboxMemoryTest, E3_APublishIntoMailboxesThatFindsNoMemoryIsRefusedAndKeepsNoPlace) {
  int handled = 0;
  ListenerOptions options{.queue = {.events_max = 1}, .overflow = Overflow::Reject()};
  options.key = [](const Load& load) { return load.cargo; };
  options.concurrency = 2;
  Subscription keyed = dispatcher.Subscribe([&](const Load&) { ++handled; }, options);
  options.overflow = Overflow::Coalesce([](const Load& load) { return load.cargo; });
  Subscription coalesces = dispatcher.Subscribe([&](const Load&) { ++handled; }, options);
  int failed_keys = 0;
  const Subscription told = dispatcher.Subscribe([&](const ListenerFailed&) { ++failed_keys; },
                                                 {.run = belfry::Run::kInline});
  int expected = 0;
  FailEachAllocationOf([&] {
    Load load{std::string(100, 'x')};
    PublishResult result;
    EXPECT_TRUE(Armed([&] { result = dispatcher.Publish(std::move(load)); }));
    if (result) {
      expected += 2;
    } else {
      EXPECT_EQ(result.code(), PublishResult::Code::kOutOfMemory);
    }
    executor.RunUntilIdle();
    const DeliveryCounts counts = [&] {
      DeliveryCounts sum;
      for (const ListenerStats& l : dispatcher.GetStats().listeners) {
        if (l.event_type == EventTypeOf<Load>()) sum += l.deliveries;
      }
      return sum;
    }();
    EXPECT_EQ(counts.handled + counts.dead, static_cast<std::uint64_t>(expected));
  });
  EXPECT_GE(handled, 2);
  EXPECT_EQ(keyed.Reset(), ResetResult::kDone);
  EXPECT_EQ(coalesces.Reset(), ResetResult::kDone);
}

}  // namespace
}  // namespace belfry
