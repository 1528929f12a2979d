// M1 under overload: published at least twice as fast as it is handled, under each policy; and with
// publishers that wait.

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
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/library_events.h"
#include "dispatch/counting_allocator.h"
#include "scale.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Small {
  std::array<std::uint64_t, 4> words{};
};
struct Large {
  std::uint64_t number = 0;
  std::string content = std::string(2'000, 'x');
};
std::size_t BelfryEventBytes(const Large& event) { return event.content.size(); }
std::uint64_t NumberOf(const Small& event) { return event.words[0]; }
std::uint64_t NumberOf(const Large& event) { return event.number; }
template <class E>
E Numbered(std::uint64_t number) {
  E event;
  if constexpr (std::is_same_v<E, Small>) {
    event.words[0] = number;
  } else {
    event.number = number;
  }
  return event;
}

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

using Policy = Overflow::Policy;

std::string PolicyName(const testing::TestParamInfo<Policy>& policy) {
  static constexpr const char* kNames[] = {"Block", "Reject", "DropNewest", "DropOldest",
                                           "Coalesce"};
  return kNames[static_cast<int>(policy.param)];
}

// Of what is coalesced there are more keys than places, so that some publishers are refused, too.
template <class E>
Overflow OverflowOf(Policy policy) {
  constexpr auto kMoment = std::chrono::milliseconds(1);
  switch (policy) {
    case Policy::kBlock:
      return Overflow::Block(kMoment);
    case Policy::kReject:
      return Overflow::Reject();
    case Policy::kDropNewest:
      return Overflow::DropNewest();
    case Policy::kDropOldest:
      return Overflow::DropOldest();
    case Policy::kCoalesce:
      break;
  }
  return Overflow::Coalesce([](const E& event) { return NumberOf(event) % 1'200; }, kMoment);
}

// Who is said to have had no room, and how often.
class Blame {
 public:
  explicit Blame(Dispatcher& dispatcher) {
    const ListenerOptions inlined{.run = Run::kInline};
    told_.push_back(dispatcher.Subscribe(
        [this](const PublishRefused& refused) { Add(refused.listener, 1); }, inlined));
    told_.push_back(dispatcher.Subscribe(
        [this](const Dropped& lost) { Add(lost.listener, 1 + lost.suppressed); }, inlined));
  }
  void Add(std::string_view listener, std::uint64_t times) {
    (listener == "slow" ? slow : others) += times;
  }

  std::atomic<std::uint64_t> slow{0};
  std::atomic<std::uint64_t> others{0};

 private:
  std::vector<Subscription> told_;
};

// Two publishers who wait for nobody but two quick listeners, so that these have room; and a slow
// one, whose every event takes until five more were published, or a moment where publishers wait
// for it. So what it has no room for is refused or lost, on whatever machine.
template <class E>
class Overload {
 public:
  Overload(Overflow overflow, bool publishers_wait)
      : publishers_wait_(publishers_wait), loses_(overflow.policy > Policy::kReject) {
    for (std::atomic<std::uint64_t>* const quick : {&quick_handled_, &other_quick_handled_}) {
      listeners_.push_back(dispatcher_.Subscribe([quick](const E&) { ++*quick; },
                                                 {.name = "quick", .overflow = overflow}));
    }
    listeners_.push_back(dispatcher_.Subscribe([this](const E&) { BeSlow(); },
                                               {.name = "slow", .overflow = overflow}));
  }

  void Run(std::chrono::milliseconds length) {
    std::thread one([this] { Publish(1); });
    std::thread two([this] { Publish(2); });
    Watch(length);
    done_ = true;
    one.join();
    two.join();
    EXPECT_EQ(dispatcher_.Drain(kPatience), DrainResult::kDrained);
    ExpectFlat();
    ExpectCounted();
    ExpectBlamed();
    std::cout << accepted_ << " accepted, " << refused_ << " refused, " << slow_handled_
              << " handled by the slow one, which was named " << blame_.slow << " times; at most "
              << late_.at.live << " bytes live, " << early_.at.resident << " and then "
              << late_.at.resident << " resident\n";
  }

 private:
  void BeSlow() {
    ++slow_handled_;
    const std::uint64_t before = accepted_ + refused_;
    while (!publishers_wait_ && accepted_ + refused_ < before + 5 && !done_) {
      std::this_thread::yield();
    }
    for (int i = 0; i < 2'000; ++i) asm volatile("" ::: "memory");
  }

  void Publish(std::uint64_t number) {
    const ListenerId slow = listeners_.back().id();
    for (; !done_; number += 2) {
      while (accepted_ > Handled() + QueueLimit{}.events_max / 2 && !done_) {
        std::this_thread::yield();
      }
      const PublishResult result = dispatcher_.Publish(Numbered<E>(number));
      ++(result.ok() ? accepted_ : refused_);
      if (result.refuser() == slow) ++refused_by_slow_;
    }
  }

  std::uint64_t Handled() const {  // by both who are quick
    return std::min(quick_handled_.load(), other_quick_handled_.load());
  }

  // A quarter to warm up; then the peak of the second is compared with that of the last.
  void Watch(std::chrono::milliseconds length) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    for (auto now = begin; now < begin + length; now = Clock::now()) {
      const auto quarter = 4 * (now - begin) / length;
      clock_.Advance(std::chrono::seconds(1));  // so many library events may be told again
      if (quarter == 1) early_.Look();
      if (quarter == 3) late_.Look();
      std::this_thread::yield();
    }
  }

  void ExpectFlat() const {
    ASSERT_GT(early_.samples, 0);
    ASSERT_GT(late_.samples, 0);
    EXPECT_LE(late_.at.live - at_first_, LiveMax<E>(loses_ ? 3 : 1));
    if (kSanitized) return;  // a sanitizer keeps what was freed
    // In a second the allocator has hardly warmed up.
    const std::int64_t slack = Soaking() ? 0 : 1 << 20;
    EXPECT_LE(late_.at.resident, early_.at.resident + early_.at.resident / 20 + slack);
  }

  void ExpectCounted() const {
    const DeliveryCounts counts = CountsOf<E>(dispatcher_);
    EXPECT_TRUE(counts.balanced());
    EXPECT_EQ(counts.offered, 3 * accepted_);
    EXPECT_EQ(quick_handled_, accepted_);
    EXPECT_EQ(other_quick_handled_, accepted_);
    EXPECT_EQ(counts.handled, 2 * accepted_ + slow_handled_);
    EXPECT_EQ(counts.dropped + counts.coalesced, accepted_ - slow_handled_);
    EXPECT_EQ(accepted_ > slow_handled_, loses_);
    if (publishers_wait_) return;
    // What was still queued at the end was handled without delay.
    const std::uint64_t delayed =
        slow_handled_ - std::min<std::uint64_t>(slow_handled_, QueueLimit{}.events_max);
    EXPECT_GE(accepted_ + refused_, 2 * delayed) << "no overload";
  }

  void ExpectBlamed() const {
    EXPECT_EQ(refused_by_slow_, refused_) << "by results";
    EXPECT_EQ(blame_.others, 0U) << "by events";
    EXPECT_EQ(blame_.slow == 0, publishers_wait_);
    if (publishers_wait_) {
      EXPECT_EQ(refused_, 0U);
    }
  }

  const std::int64_t at_first_ = LiveBytes();
  const bool publishers_wait_;
  const bool loses_;
  std::atomic<bool> done_{false};
  std::atomic<std::uint64_t> quick_handled_{0};
  std::atomic<std::uint64_t> other_quick_handled_{0};
  std::atomic<std::uint64_t> slow_handled_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> refused_by_slow_{0};
  Peak early_;
  Peak late_;
  ManualClock clock_;
  Dispatcher dispatcher_{
      {.pool = {.threads = 2}, .clock = &clock_, .log = [](LogLevel, std::string_view) {}}};
  Blame blame_{dispatcher_};
  std::vector<Subscription> listeners_;
};

// Minutes under each policy when it is to soak.
class OverloadTest : public testing::TestWithParam<Policy> {};
INSTANTIATE_TEST_SUITE_P(Policies, OverloadTest,
                         testing::Values(Policy::kBlock, Policy::kReject, Policy::kDropNewest,
                                         Policy::kDropOldest, Policy::kCoalesce),
                         PolicyName);

TEST_P(OverloadTest, M1_B1_AtTwiceTheCapacityMemoryIsFlatAndTheSlowOneIsNamed) {
  const auto half = Length(std::chrono::milliseconds(1'000)) / 2;
  Overload<Small>(OverflowOf<Small>(GetParam()), false).Run(half);
  Overload<Large>(OverflowOf<Large>(GetParam()), false).Run(half);
}

TEST(OverloadWithPatienceTest, M1_WhoWaitsForRoomKeepsNothingEither) {
  const auto half = Length(std::chrono::milliseconds(1'000)) / 2;
  Overload<Small>(Overflow::Block(kPatience), true).Run(half);
  Overload<Large>(Overflow::Block(kPatience), true).Run(half);
}

// What ends and begins all the while, under the same load.
TEST(OverloadWithChurnTest, M1_ListenersThatComeAndGoUnderLoadLeaveNothing) {
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
