// M1 under overload: published at least twice as fast as it is handled, for a while, with what does
// not fit refused; and with a publisher that waits.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "dispatch/counting_allocator.h"
#include "scale.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Small {
  std::array<std::uint64_t, 4> words{};
};
struct Large {
  std::string content = std::string(2'000, 'x');
};
std::size_t BelfryEventBytes(const Large& event) { return event.content.size(); }

// What the process holds of the machine's memory, in bytes.
std::int64_t Resident() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

struct Sample {
  std::int64_t live;
  std::int64_t resident;
};

struct Peak {
  Sample at{};
  int samples = 0;
  void Look() {
    at = {std::max(at.live, LiveBytes()), std::max(at.resident, Resident())};
    ++samples;
  }
};

// One log for all listeners of the type, or queues of their own, none of which ever holds more than
// its limit: so many events with what each takes beside its own bytes, and what a dispatcher takes
// whatever happens.
template <class E>
std::int64_t LiveMax(int queues) {
  constexpr std::int64_t kNodeMax = 512;
  constexpr std::int64_t kConstant = 256 << 10;
  return queues * static_cast<std::int64_t>(QueueLimit{}.events_max) *
             (kNodeMax + static_cast<std::int64_t>(EventBytes(E{}))) +
         kConstant;
}

template <class E>
DeliveryCounts CountsOf(const Dispatcher& dispatcher) {
  for (const TypeStats& type : dispatcher.GetStats().types) {
    if (type.event_type == EventTypeOf<E>()) return type.deliveries;
  }
  return {};
}

// Two publishers that never rest, and listeners that are slower.
template <class E>
void Overload(Overflow overflow) {
  const std::int64_t at_first = LiveBytes();
  Dispatcher dispatcher({.pool = {.threads = 2}, .log = [](LogLevel, std::string_view) {}});
  std::atomic<std::uint64_t> handled{0};
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  const bool rejects = overflow.policy == Overflow::Policy::kReject;
  const bool loses = overflow.policy > Overflow::Policy::kReject;
  const auto work = [&](const E&) {
    ++handled;
    // Takes as long as it takes until another publish is refused, on whatever machine.
    const std::uint64_t before = loses ? accepted.load() + 5 : refused.load();  // or several came
    while (rejects && refused <= before && !done) std::this_thread::yield();
    while (loses && accepted <= before && !done) std::this_thread::yield();
    for (int i = 0; i < 2'000; ++i) asm volatile("" ::: "memory");
  };
  const std::int64_t live_max = LiveMax<E>(loses ? 3 : 1);
  std::vector<Subscription> listeners;
  for (int i = 0; i < 3; ++i) {
    listeners.push_back(dispatcher.Subscribe(work, {.overflow = overflow}));
  }
  const auto publish = [&] {
    while (!done) ++(dispatcher.Publish(E{}) ? accepted : refused);
  };
  std::thread one(publish);
  std::thread two(publish);

  using Clock = std::chrono::steady_clock;
  const auto length = Scaled(std::chrono::milliseconds(1'000), std::chrono::milliseconds(300'000));
  const auto begin = Clock::now();
  // A quarter to warm up; then the peak of the second is compared with that of the last.
  Peak early;
  Peak late;
  for (auto now = begin; now < begin + length; now = Clock::now()) {
    const auto quarter = 4 * (now - begin) / length;
    if (quarter == 1) early.Look();
    if (quarter == 3) late.Look();
    std::this_thread::yield();
  }
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(dispatcher.Drain(kPatience), DrainResult::kDrained);
  const DeliveryCounts counts = CountsOf<E>(dispatcher);
  EXPECT_TRUE(counts.balanced());
  EXPECT_EQ(counts.offered, 3 * accepted);
  EXPECT_EQ(counts.handled, handled);
  if (loses) {
    EXPECT_GE(counts.dropped + counts.coalesced, counts.handled) << "no overload";
  } else {
    EXPECT_EQ(handled, 3 * accepted);
  }
  // Those that were still queued at the end had no refusal to wait for.
  if (rejects) {
    EXPECT_GE(refused + 2 * QueueLimit{}.events_max, accepted) << "no overload";
  }
  ASSERT_GT(early.samples, 0);
  ASSERT_GT(late.samples, 0);
  EXPECT_LE(late.at.live - at_first, live_max);
  // A queue may be full for the first time late. A sanitizer keeps what was freed.
  if (!kSanitized) {
    EXPECT_LE(late.at.resident, early.at.resident + early.at.resident / 20 + live_max);
  }
  std::cout << accepted << " accepted, " << refused << " refused, at most " << late.at.live
            << " bytes live, " << early.at.resident << " and then " << late.at.resident
            << " resident\n";
}

TEST(OverloadTest, M1_WhatIsRefusedKeepsNothingInBytesOrOnTheHeap) {
  Overload<Small>(Overflow::Reject());
  Overload<Large>(Overflow::Reject());
}

TEST(OverloadTest, M1_WhoWaitsForRoomKeepsNothingEither) {
  Overload<Small>(Overflow::Block(kPatience));
  Overload<Large>(Overflow::Block(kPatience));
}

TEST(OverloadTest, M1_WhatIsDroppedKeepsNothingEither) {
  const auto same = [](const Small& small) { return small.words[0]; };
  Overload<Small>(Overflow::DropNewest());
  Overload<Small>(Overflow::DropOldest());
  Overload<Small>(Overflow::Coalesce(same));
  Overload<Large>(Overflow::DropNewest());
  Overload<Large>(Overflow::DropOldest());
}

// What ends and begins all the while, under the same load.
TEST(OverloadTest, M1_ListenersThatComeAndGoUnderLoadLeaveNothing) {
  Dispatcher dispatcher({.pool = {.threads = 2}});
  std::atomic<bool> done{false};
  std::thread publisher([&] {
    while (!done) static_cast<void>(dispatcher.Publish(Large{}));
  });
  const ListenerOptions reject{.queue = {.events_max = 64}, .overflow = Overflow::Reject()};
  const auto churn = [&](int rounds) {
    for (int round = 0; round < rounds; ++round) {
      const Subscription queued = dispatcher.Subscribe([](const Large&) {}, reject);
      Subscription inlined = dispatcher.Subscribe([text = std::string(50, 'x')](const Large&) {},
                                                  {.run = belfry::Run::kInline});
      Subscription more = dispatcher.Subscribe([](const Large&) {}, {.run = belfry::Run::kInline});
      if (round % 2 == 0) inlined.Detach();
    }
  };
  churn(500);
  const std::int64_t before = LiveBytes();
  churn(Scaled(3'000, 1'000'000));
  EXPECT_LE(LiveBytes() - before, 1 << 20);
  done = true;
  publisher.join();
}

}  // namespace
}  // namespace belfry
