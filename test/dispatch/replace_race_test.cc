// X4 at full size: a million events from two threads while their listener's callable is replaced a
// thousand times.

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

struct Loaf {
  int baker = 0;
  int number = 0;
};

class ReplaceRaceTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, ReplaceRaceTest,
                         testing::Values(Mode::kInline, Mode::kPool1, Mode::kPool4), ModeTestName);

TEST_P(ReplaceRaceTest, X4_OfAMillionEventsEachIsHandledOnceByOneOfAThousandCallables) {
  constexpr int kBakers = 2;
  constexpr int kReplacements = 1'000;
  const int events = Scaled(kSanitized ? 100'000 : 500'000, 5'000'000);  // of each baker
  std::vector<std::atomic<std::uint8_t>> handled(static_cast<std::size_t>(events * kBakers));
  std::atomic<std::uint64_t> alive{0};
  std::atomic<std::uint64_t> out_of_order{0};
  std::vector<int> last(kBakers, -1);  // of a queued listener, which does not overlap itself
  // Counts those that exist, and knows whether it was ended.
  struct Alive {
    explicit Alive(std::atomic<std::uint64_t>& n) : count(n) { ++count; }
    ~Alive() { --count; }
    std::atomic<std::uint64_t>& count;
  };
  const auto callable = [&](auto extra) {
    return [&, extra, own = std::make_shared<Alive>(alive)](const Loaf& loaf) {
      static_cast<void>(extra);
      const auto baker = static_cast<std::size_t>(loaf.baker);
      handled[baker * static_cast<std::size_t>(events) + static_cast<std::size_t>(loaf.number)]
          .fetch_add(1, std::memory_order_relaxed);
      if (mode() == Mode::kInline) return;
      if (loaf.number <= last[baker]) ++out_of_order;
      last[baker] = loaf.number;
    };
  };
  ListenerOptions options = Options("oven");
  options.overflow = Overflow::Block(kPatience);
  Subscription oven = dispatcher->Subscribe(callable(0), options);
  std::atomic<int> published{0};
  std::thread replacing([&] {
    for (int i = 0; i < kReplacements; ++i) {
      // Spread over the time that the bakers take.
      const std::int64_t due = std::int64_t{i} * events * kBakers / kReplacements;
      EXPECT_TRUE(Eventually([&] { return published >= due; }));
      EXPECT_EQ(i % 2 == 0 ? oven.Replace(callable(std::string("x"))) : oven.Replace(callable(0)),
                ReplaceResult::kDone);
      EXPECT_EQ(alive, 1U) << "the former one is destroyed when Replace has returned";
    }
  });
  PublishFromThreads(kBakers, events, [&](int baker, int number) {
    if (number % 100 == 99) published += 100;
    return Loaf{baker, number};
  });
  replacing.join();
  std::size_t not_once = 0;
  for (const std::atomic<std::uint8_t>& times : handled) not_once += times != 1;
  EXPECT_EQ(not_once, 0U);
  EXPECT_EQ(out_of_order, 0U);
  EXPECT_EQ(StatsOf<Loaf>().deliveries.handled, static_cast<std::uint64_t>(events * kBakers))
      << ToString(StatsOf<Loaf>().deliveries);
  oven.Reset();
  EXPECT_EQ(alive, 0U);
}

}  // namespace
}  // namespace belfry
