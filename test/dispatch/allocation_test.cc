// Over a million publishes from two threads, delivered on others: nothing is allocated beyond the
// envelopes, which are recycled, and no event is copied. A program of its own, since it replaces
// the allocator.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "dispatch/counting_allocator.h"

namespace belfry {
namespace {

// 32 bytes; a copy is counted.
struct Tick {
  static inline std::atomic<std::uint64_t> copies{0};
  explicit Tick(std::uint64_t n) : number(n) {}
  Tick(const Tick& other) : number(other.number) { ++copies; }
  Tick(Tick&&) noexcept = default;
  Tick& operator=(const Tick&) = delete;
  Tick& operator=(Tick&&) = delete;
  ~Tick() = default;
  std::uint64_t number;
  std::uint64_t padding[3]{};
};

TEST(AllocationTest, AMillionPublishesAllocateOnlyTheEnvelopesThatAreUnderWayAtOnce) {
  constexpr std::uint64_t kPublishers = 2;
  constexpr std::uint64_t kEventsEach = 500'000;
  Dispatcher dispatcher({.pool = {.threads = 2}});
  std::atomic<std::uint64_t> queued_calls{0};
  std::atomic<std::uint64_t> inline_calls{0};
  const auto count = [&](const Tick&) { queued_calls.fetch_add(1, std::memory_order_relaxed); };
  ListenerOptions patient;
  patient.overflow = Overflow::Block(std::chrono::minutes(5));
  const Subscription one = dispatcher.Subscribe(count, patient);
  const Subscription two = dispatcher.Subscribe(count, patient);
  const Subscription three = dispatcher.Subscribe(
      [&](const Tick&) { inline_calls.fetch_add(1, std::memory_order_relaxed); },
      {.run = Run::kInline});

  const auto publish = [&](std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) {
      if (!dispatcher.Publish(Tick(i))) std::abort();
    }
  };
  std::atomic<std::uint64_t> warm{0};
  std::atomic<bool> go{false};
  const auto publisher = [&] {
    publish(10'000);
    ++warm;
    while (!go) std::this_thread::yield();
    publish(kEventsEach);
  };
  std::thread first(publisher);
  std::thread second(publisher);
  while (warm < kPublishers) std::this_thread::yield();
  ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  const std::uint64_t before = Allocations();
  go = true;
  first.join();
  second.join();
  ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  const std::uint64_t allocated = Allocations() - before;

  constexpr std::uint64_t kEvents = kPublishers * (kEventsEach + 10'000);
  EXPECT_EQ(queued_calls, 2 * kEvents);
  EXPECT_EQ(inline_calls, kEvents);
  EXPECT_EQ(Tick::copies, 0U);
  // An envelope is under way while one of the two queues holds it, a listener runs it or a
  // publisher makes it: never more at once than this, and each of them is allocated once.
  constexpr std::uint64_t kUnderWayMax = 2 * 1024 + 2 + kPublishers;
  EXPECT_LE(allocated, kUnderWayMax);
  std::cout << kEvents << " publishes, " << allocated << " allocations after the first "
            << kPublishers * 10'000 << "\n";
}

TEST(AllocationTest, M1_MailboxesAllocateOnlyWhatIsUnderWayAtOnce) {
  struct Payment {
    std::uint64_t number = 0;
  };
  constexpr std::uint64_t kEvents = 200'000;
  constexpr std::size_t kPlaces = 256;
  Dispatcher dispatcher({.pool = {.threads = 2}});
  std::atomic<std::uint64_t> calls{0};
  const auto count = [&](const Payment&) { calls.fetch_add(1, std::memory_order_relaxed); };
  const auto options = [&](Overflow overflow) {
    ListenerOptions made;
    made.queue.events_max = kPlaces;
    made.overflow = std::move(overflow);
    made.key = [](const Payment& payment) { return payment.number % 100; };
    made.concurrency = 2;
    return made;
  };
  const auto same = [](const Payment& payment) { return payment.number % 10; };
  const Subscription waits =
      dispatcher.Subscribe(count, options(Overflow::Block(std::chrono::minutes(5))));
  const Subscription drops = dispatcher.Subscribe(count, options(Overflow::DropOldest()));
  const Subscription coalesces = dispatcher.Subscribe(count, options(Overflow::Coalesce(same)));
  const auto publish = [&](std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) ASSERT_TRUE(dispatcher.Publish(Payment{i}));
    ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  };
  publish(20'000);
  const std::uint64_t before = Allocations();
  publish(kEvents);
  // An envelope, and mail for it, each time that more are under way than ever before.
  EXPECT_LE(Allocations() - before, 3 * 2 * (kPlaces + 4));
  EXPECT_GE(calls, kEvents) << "of who waits";
}

TEST(AllocationTest, M1_EventsOfBytesThatWaitNeedNoBlocksOfTheirOwn) {
  struct Beat {
    int number = 0;
  };
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  int sum = 0;
  const Subscription queued = dispatcher.Subscribe([&](const Beat& e) { sum += e.number; });
  // With any of these it is not so; they leave nothing behind.
  Subscription others[] = {
      dispatcher.Subscribe([](const Beat&, Context&) {}),
      dispatcher.Subscribe([](const Beat&) {}, {.run = Run::kInline}),
      dispatcher.Subscribe([](const Beat&, Context&) {}, {.run = Run::kInline}),
  };
  ASSERT_TRUE(dispatcher.Publish(Beat{1}));
  executor.RunUntilIdle();
  for (Subscription& other : others) other.Reset();
  const std::uint64_t before = Allocations();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(dispatcher.Publish(Beat{1}));
  EXPECT_LE(Allocations() - before, 4U) << "a page for each 256";
  executor.RunUntilIdle();
  EXPECT_EQ(sum, 1001);
}

TEST(AllocationTest, M1_AKeyThatIsATextIsNotCopied) {
  struct Letter {
    const char* to;
  };
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  ListenerOptions options;
  options.concurrency = 2;
  options.key = [](const Letter& letter) { return std::string_view(letter.to); };
  const Subscription listener = dispatcher.Subscribe([](const Letter&) {}, options);
  const auto publish = [&](int events) {
    for (int i = 0; i < events; ++i) {
      ASSERT_TRUE(dispatcher.Publish(Letter{"somebody with a name that is not a short one"}));
      executor.RunUntilIdle();
    }
  };
  publish(100);
  const std::uint64_t before = Allocations();
  publish(1'000);
  EXPECT_EQ(Allocations() - before, 0U);
}

TEST(AllocationTest, ASmallCallableOfAQueuedListenerLiesInsideAlsoWhereItIsAligned) {
  struct Beat {};
  struct Plain {
    void operator()(const Beat&) const {}
    std::uint64_t words[6]{};
  };
  struct alignas(16) Aligned : Plain {
    using Plain::operator();
  };
  static_assert(sizeof(Aligned) == sizeof(Plain) && alignof(Aligned) == alignof(std::max_align_t));
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  const Subscription first = dispatcher.Subscribe<Beat>(Plain{});
  const auto allocations = [&](auto callable) {
    const std::uint64_t before = Allocations();
    const Subscription listener = dispatcher.Subscribe<Beat>(callable);
    return Allocations() - before;
  };
  EXPECT_EQ(allocations(Aligned{}), allocations(Plain{}));
}

}  // namespace
}  // namespace belfry
