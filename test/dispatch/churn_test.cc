// R1 and X1 while listeners come and go in the same cells that passes are at.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"
#include "scale.h"

namespace belfry {
namespace {

struct Tick {
  int number = 0;
};

// What a listener may see: nothing from before its Subscribe, nothing after its Reset. Outlives it.
struct Life {
  std::atomic<int> wrong_calls{0};
  std::atomic<int> calls{0};
  int born_after = 0;
  std::atomic<bool> over{false};
};

struct Watching {
  Life* life;
  void operator()(const Tick& tick) const {
    life->calls.fetch_add(1, std::memory_order_relaxed);
    if (tick.number <= life->born_after || life->over) life->wrong_calls.fetch_add(1);
  }
};
// The same with something to destroy, so that it ends another way.
struct WatchingWithCaptures {
  Life* life;
  std::shared_ptr<int> captured = std::make_shared<int>(7);
  void operator()(const Tick& tick) const {
    Watching{life}(tick);
    if (*captured != 7) life->wrong_calls.fetch_add(1);
  }
};

class ChurnTest : public ModeTest {
 protected:
  // Makes listeners and ends them again while another thread publishes.
  template <class Make>
  void Churn(Make make) {
    std::atomic<int> published{0};
    std::atomic<bool> done{false};
    std::thread publisher([&] {
      for (int number = 1; !done; ++number) {
        if (dispatcher->Publish(Tick{number})) published = number;
        if (number % 64 == 0) std::this_thread::yield();
      }
    });
    const int rounds = Scaled(kSanitized ? 1'000 : 3'000, 200'000);
    const auto churner = [&](unsigned seed) {
      int heard = 0;
      for (int round = 0; round < rounds || heard == 0; ++round) {
        Life lives[3];
        Subscription listeners[3];
        for (int i = 0; i < 3; ++i) {
          lives[i].born_after = published;
          listeners[i] = make(&lives[i], seed % 2 == 0);
          seed = seed * 1664525U + 1013904223U;
        }
        if (seed >> 16 & 1) std::this_thread::yield();
        for (int i = 0; i < 3; ++i) {
          const int which = static_cast<int>((static_cast<unsigned>(i) + (seed >> 20)) % 3);
          EXPECT_EQ(listeners[which].Reset(), ResetResult::kDone);
          lives[which].over = true;
        }
        for (const Life& life : lives) {
          ASSERT_EQ(life.wrong_calls, 0);
          heard += life.calls;
        }
      }
    };
    std::thread other(churner, 1U);
    churner(2U);
    other.join();
    done = true;
    publisher.join();
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, ChurnTest,
                         testing::Values(Mode::kInline, Mode::kPool1, Mode::kPool4), ModeTestName);

TEST_P(ChurnTest, R1_X1_AListenerInAUsedCellGetsNothingOfItsFormerOne) {
  ListenerOptions options = Options();
  options.overflow = Overflow::Reject();
  Churn([&](Life* life, bool captures) {
    return captures ? dispatcher->Subscribe(WatchingWithCaptures{life}, options)
                    : dispatcher->Subscribe(Watching{life}, options);
  });
}

}  // namespace
}  // namespace belfry
