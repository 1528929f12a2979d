// What timers allocate, and what happens when there is no memory.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <new>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "belfry/timer.h"
#include "dispatch/counting_allocator.h"
#include "loop/wheel_timer.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

// Lets every allocation fail as long as it lives.
struct NoMemory {
  NoMemory() { FailAllocationsFrom(1); }
  ~NoMemory() { FailAllocation(0); }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
};

TEST(TimerMemoryTest, InTheLongRunATimerAllocatesNothing) {
  struct Owner {
    EventLoop& loop;
    int calls = 0;
    Timer timer{loop, *this, [](Owner& owner) { ++owner.calls; }};
  };
  ManualClock clock;
  EventLoop loop(clock);
  Owner owner{loop};
  Owner idle{loop};
  idle.timer.Arm(milliseconds(300));
  std::uint64_t before = 0;
  for (int round = 0; round < 2000; ++round) {
    if (round == 1000) before = Allocations();
    owner.timer.Arm(milliseconds(1 + round % 60));
    idle.timer.Arm(milliseconds(300));
    if (round % 3 == 0) owner.timer.Cancel();
    clock.Advance(milliseconds(round % 97));
    loop.RunOnce();
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_GT(owner.calls, 50);
  EXPECT_EQ(idle.calls, 0);
}

TEST(TimerMemoryTest, AnArmThatFindsNoMemoryChangesNothing) {
  TimerWheel wheel(1000);
  std::vector<int> ran;
  WheelTimer fresh(wheel, [&] { ran.push_back(0); });
  WheelTimer armed(wheel, [&] { ran.push_back(1); });
  armed.Arm(5000);
  {
    const NoMemory none;
    EXPECT_THROW(fresh.Arm(2000), std::bad_alloc);
    EXPECT_THROW(armed.Arm(2000), std::bad_alloc);
    armed.Arm(6000);  // needs none
  }
  EXPECT_FALSE(fresh.armed());
  wheel.RunDue(5999);
  EXPECT_TRUE(ran.empty());
  wheel.RunDue(6000);
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST(TimerMemoryTest, ARunThatFoundNoMemoryIsForgottenWhenNothingIsArmedAnyMore) {
  constexpr TimerWheel::Tick kFirst = 5 << 20;
  constexpr TimerWheel::Tick kLater = 1 << 30;
  TimerWheel wheel(1000);
  int calls = 0;
  WheelTimer timer(wheel, [&] { ++calls; });
  timer.Arm(kFirst);
  {
    const NoMemory none;
    EXPECT_THROW(wheel.RunDue(kFirst), std::bad_alloc);
  }
  timer.Cancel();
  wheel.SkipTo(kLater);
  timer.Arm(kLater + kFirst);  // in the bucket that was to be emptied then
  wheel.RunDue(kLater + kFirst);
  EXPECT_EQ(calls, 1);
}

// Moving a thousand timers to lower levels takes many allocations; each of them fails once.
TEST(TimerMemoryTest, ARunThatFindsNoMemoryGoesOnWithTheNextOne) {
  constexpr std::size_t kTimers = 1000;
  constexpr TimerWheel::Tick kFirst = 5 * 1048576;
  std::vector<std::size_t> all(kTimers);
  std::iota(all.begin(), all.end(), std::size_t{0});
  for (std::uint64_t failing = 1, failures = 1; failures != 0; ++failing) {
    TimerWheel wheel(1000);
    std::vector<std::size_t> ran;
    std::deque<WheelTimer> timers;
    for (std::size_t i = 0; i < kTimers; ++i) {
      WheelTimer& timer = timers.emplace_back(wheel, [&, i] {
        EXPECT_GE(wheel.now(), kFirst + i);
        ran.push_back(i);
      });
      timer.Arm(kFirst + i);
    }
    ran.reserve(kTimers);
    failures = 0;
    FailAllocation(failing);
    while (const auto next = wheel.NextTick()) {
      try {
        wheel.RunDue(*next);
      } catch (const std::bad_alloc&) {
        ++failures;
      }
      ASSERT_LE(failures, 1U);
    }
    FailAllocation(0);
    ASSERT_EQ(ran, all) << "allocation " << failing << " failed";
  }
}

}  // namespace
}  // namespace belfry
