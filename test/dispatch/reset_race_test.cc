// X1 and X2 under fire: Reset against deliveries from four threads, 100,000 times.

#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Shot {
  int number = 0;
};

class ResetRaceTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, ResetRaceTest, testing::Values(Mode::kInline, Mode::kPool4),
                         ModeTestName);

// What a listener touches; poisoned after Reset returned.
struct Target {
  std::atomic<int> inside{0};
  std::atomic<bool> reset_returned{false};
  std::atomic<int> calls_after{0};
};

// Half the required number each: the two modes together make 100,000 races, at least 10,000 of
// which found a delivery running.
constexpr int kRounds = 50'000;
constexpr int kFoundRunningMin = 5'000;

TEST_P(ResetRaceTest, X1_X2_NoDeliveryAfterResetReturned) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> publishers;
  // Inline, the four publish; on the pool, its four threads deliver what two publish.
  const int publisher_count = mode() == Mode::kInline ? 4 : 2;
  for (int p = 0; p < publisher_count; ++p) {
    publishers.emplace_back([&] {
      for (int i = 0; !stop; ++i) {
        if (!dispatcher->Publish(Shot{i})) std::this_thread::yield();
      }
    });
  }
  int found_running = 0;
  int rounds = 0;
  for (; rounds < kRounds; ++rounds) {
    Target target;
    ListenerOptions options = Options();
    options.overflow = Overflow::Reject();
    Subscription listener = dispatcher->Subscribe(
        [&target](const Shot&) {
          target.inside.fetch_add(1);
          if (target.reset_returned) target.calls_after.fetch_add(1);
          std::this_thread::yield();  // stays inside a little, so that Reset meets it
          if (target.reset_returned) target.calls_after.fetch_add(1);
          target.inside.fetch_sub(1);
        },
        options);
    // Every other round waits until a delivery runs; the rest race with its start.
    if (rounds % 2 == 0) {
      while (target.inside == 0) std::this_thread::yield();
    }
    if (target.inside > 0) ++found_running;
    ASSERT_EQ(listener.Reset(), ResetResult::kDone);
    target.reset_returned = true;
    ASSERT_EQ(target.inside, 0) << "a delivery was still running";
    ASSERT_EQ(target.calls_after, 0) << "a delivery came after Reset had returned";
  }
  stop = true;
  for (std::thread& publisher : publishers) publisher.join();
  EXPECT_GE(found_running, kFoundRunningMin);
  std::cout << rounds << " resets, " << found_running << " of which found a delivery running\n";
}

}  // namespace
}  // namespace belfry
