// What a publish asks the clock for: the time of the event, where somebody may want to know it.

#include <atomic>
#include <utility>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Tick {};

// Counts how often it was looked at for the time of an event.
class WatchedClock final : public Clock {
 public:
  SteadyTime Now() const override { return Real().Now(); }
  WallTime WallNow() const override {
    ++looks_;
    return Real().WallNow();
  }
  int TakeLooks() { return looks_.exchange(0); }

 private:
  mutable std::atomic<int> looks_{0};
};

class PublishTimeTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    Make([this](DispatcherOptions& options) { options.clock = &clock; });
  }
  // That one event costs.
  int Looks() {
    EXPECT_TRUE(dispatcher->Publish(Tick{}));
    Settle();
    return clock.TakeLooks();
  }
  Subscription Plain(ListenerOptions options) {
    return dispatcher->Subscribe([](const Tick&) {}, std::move(options));
  }
  Subscription Knowing(ListenerOptions options) {
    return dispatcher->Subscribe([](const Tick&, Context&) {}, std::move(options));
  }

  WatchedClock clock;
};
BELFRY_IN_EVERY_MODE(PublishTimeTest);

TEST_P(PublishTimeTest, TheTimeIsAskedForOnceWhereSomeListenerTakesAContext) {
  EXPECT_EQ(Looks(), 0);
  Subscription plain = Plain(Options());
  EXPECT_EQ(Looks(), 0);
  Subscription first = Knowing(Options());
  EXPECT_EQ(Looks(), 1);
  Subscription second = Knowing(Options());
  EXPECT_EQ(Looks(), 1);
  plain.Reset();
  first.Reset();
  EXPECT_EQ(Looks(), 1);
  second.Reset();
  plain = Plain(Options());
  EXPECT_EQ(Looks(), 0);
}

TEST_P(PublishTimeTest, AReplacementTakesAContextOrNot) {
  Subscription listener = Plain(Options());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(listener.Replace([](const Tick&, Context&) {}), ReplaceResult::kDone);
    EXPECT_EQ(Looks(), 1);
    EXPECT_EQ(listener.Replace([](const Tick&) {}), ReplaceResult::kDone);
    EXPECT_EQ(Looks(), 0);
  }
}

TEST_P(PublishTimeTest, OneOfEitherKindThatTakesAContextIsEnough) {
  for (const auto& [knowing, plain] :
       {std::pair(Run::kInline, Run::kQueued), std::pair(Run::kQueued, Run::kInline)}) {
    const Subscription one = Knowing({.run = knowing});
    const Subscription other = Plain({.run = plain});
    EXPECT_EQ(Looks(), 1);
  }
  EXPECT_EQ(Looks(), 0);
}

}  // namespace
}  // namespace belfry
