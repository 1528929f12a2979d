// The wheel against a model: two multimaps from ticks to timers.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "loop/timer_wheel.h"
#include "loop/wheel_timer.h"
#include "scale.h"
#include "sync/split_mix.h"

namespace belfry {
namespace {

using Tick = TimerWheel::Tick;

// Random operations, also inside of calls. Every call must be that of a timer that the model has,
// not before its tick, and in the order that timer_wheel.h states; after a run nothing is left that
// was due.
class TimerWheelModel {
 public:
  explicit TimerWheelModel(std::uint64_t seed) : random_(seed), crowded_(random_.Below(2) == 0) {
    for (std::size_t i = 0; i < kTimers; ++i) timers_.push_back({Make(i), std::nullopt, {}});
  }

  void Step() {
    ++operations_;
    if (random_.Below(4) == 0) return Run();
    Touch(random_.Below(kTimers));
  }
  std::uint64_t operations() const { return operations_; }

 private:
  static constexpr std::size_t kTimers = 300;

  // A multimap keeps equal keys in the order in which they came.
  using Armed = std::multimap<Tick, std::size_t>;
  struct Timer {
    std::unique_ptr<WheelTimer> timer;
    std::optional<Armed::iterator> armed;
    bool put_off = false;            // then it is in put_off_
    std::uint64_t run_of_place = 0;  // the run in which it got its place in the wheel
    std::uint64_t run_of_tick = 0;   // the run in which it got its tick
    Tick tick = 0;
  };

  std::unique_ptr<WheelTimer> Make(std::size_t index) {
    return std::make_unique<WheelTimer>(wheel_, [this, index] { Called(index); });
  }

  // Most delays are short, and many are equal; some reach over all levels. Or they are all about
  // the same, so that there are many timers of one tick.
  Tick Delay() {
    if (crowded_) return random_.Below(3);
    const Tick limits[] = {2, 20, 300, 1000, 70'000, 20'000'000, Tick{1} << 40, Tick{1} << 62};
    return random_.Below(limits[random_.Below(random_.Below(4) == 0 ? 8 : 4)]);
  }

  // When an operation comes from a call, that is done in run_; else in no run.
  std::uint64_t ThisRun() const { return running_ ? runs_ : 0; }

  void Touch(std::size_t index) {
    switch (random_.Below(8)) {
      case 0:
        timers_[index].timer->Cancel();
        return Forget(index);
      case 1:
        timers_[index].timer.reset();
        Forget(index);
        timers_[index].timer = Make(index);
        return;
      case 2:
        return Arm(index, wheel_.now() - std::min(wheel_.now(), Delay()));
      default:
        return Arm(index, wheel_.now() + Delay());
    }
  }

  void Arm(std::size_t index, Tick tick) {
    Timer& timer = timers_[index];
    timer.timer->Arm(tick);
    const bool put_off = timer.armed && tick >= timer.tick;
    Forget(index);
    if (!put_off) timer.run_of_place = ThisRun();
    timer.run_of_tick = ThisRun();
    timer.tick = tick;
    timer.put_off = put_off;
    timer.armed = Of(timer).emplace(std::max(tick, wheel_.now()), index);
  }

  void Forget(std::size_t index) {
    Timer& timer = timers_[index];
    if (timer.armed) Of(timer).erase(*timer.armed);
    timer.armed.reset();
  }

  Armed& Of(const Timer& timer) { return timer.put_off ? put_off_ : in_order_; }

  void Called(std::size_t index) {
    Timer& timer = timers_[index];
    ASSERT_TRUE(timer.armed) << "it is not armed";
    ASSERT_FALSE(timer.timer->armed());
    ASSERT_LE(timer.tick, wheel_.now()) << "too early";
    ASSERT_NE(timer.run_of_place, runs_) << "armed in this run, and run by it";
    if (!interrupted_) CheckOrder(timer);
    Forget(index);
    for (std::uint64_t i = random_.Below(3); i > 0; --i) {
      ++operations_;
      Touch(random_.Below(4) == 0 ? index : random_.Below(kTimers));
    }
    if (random_.Below(200) == 0) throw std::runtime_error("timer");
  }

  // Who got a new tick in this run, for what it has passed, is anywhere.
  void CheckOrder(const Timer& timer) {
    if (timer.put_off && timer.run_of_tick == runs_) return;
    if (!timer.put_off) {
      ASSERT_EQ(*timer.armed, in_order_.begin()) << "out of order";
    }
    const Tick tick = (*timer.armed)->first;
    ASSERT_GE(tick, last_) << "the ticks are out of order";
    last_ = tick;
  }

  void Run() {
    const Tick step = Delay();
    const std::optional<Tick> next = wheel_.NextTick();
    const bool to_next = next && random_.Below(3) == 0;
    if (wheel_.now() > Tick{1} << 63) return;
    const Tick now = to_next ? *next : wheel_.now() + step;
    do {
      ++runs_;
      last_ = 0;
      running_ = true;
      try {
        wheel_.RunDue(now);
        interrupted_ = false;
      } catch (const std::runtime_error&) {
        interrupted_ = true;  // a second run goes on, and has others to run as well
      }
      running_ = false;
      if (testing::Test::HasFailure()) return;
    } while (interrupted_);
    CheckRest();
  }

  void CheckRest() {
    for (const Armed* const armed : {&in_order_, &put_off_}) {
      for (const auto& [tick, index] : *armed) {
        if (tick > wheel_.now()) break;
        ASSERT_EQ(timers_[index].run_of_tick, runs_) << "it was due and did not run";
      }
    }
    const std::optional<Tick> next = wheel_.NextTick();
    ASSERT_EQ(next.has_value(), !in_order_.empty() || !put_off_.empty());
    ASSERT_EQ(wheel_.empty(), !next);
    for (const Armed* const armed : {&in_order_, &put_off_}) {
      if (armed->empty()) continue;
      ASSERT_LE(*next, armed->begin()->first);
    }
  }

  SplitMix random_;
  const bool crowded_;
  TimerWheel wheel_{0};
  Armed in_order_;
  Armed put_off_;
  std::vector<Timer> timers_;
  std::uint64_t operations_ = 0;
  std::uint64_t runs_ = 0;
  Tick last_ = 0;
  bool running_ = false;
  bool interrupted_ = false;
};

TEST(TimerWheelModelTest, TheWheelDoesWhatAPlainListWouldDo) {
  const std::uint64_t each = Scaled(kSanitized ? 50'000U : 200'000U, 5'000'000U);
  for (const unsigned seed : Seeds(8, 100)) {
    SCOPED_TRACE("BELFRY_SEED=" + std::to_string(seed));
    std::uint64_t left = each;
    while (left > 0) {
      // Anew now and then: time is far ahead soon.
      TimerWheelModel model(seed + left);
      while (model.operations() < 2'000 && !testing::Test::HasFailure()) model.Step();
      left -= std::min(left, model.operations());
      ASSERT_FALSE(testing::Test::HasFailure()) << left << " operations before the end";
    }
  }
}

}  // namespace
}  // namespace belfry
