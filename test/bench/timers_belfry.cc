#include <chrono>

#include "belfry/timer.h"
#include "bench/timers.h"

namespace {

class Belfry {
 public:
  // A member of its owner: so the loop has to be known when that is made.
  struct Timer {
    int calls = 0;
    belfry::Timer timer{Loop(), *this, [](Timer& self) { ++self.calls; }};
  };
  static constexpr double kTimerBytes = sizeof(belfry::Timer);

  static belfry::EventLoop& Loop() {
    static belfry::EventLoop loop;
    return loop;
  }

  void Init(Timer& /*timer*/) {}
  void Arm(Timer& timer, std::chrono::milliseconds delay) { timer.timer.Arm(delay); }
  void Cancel(Timer& timer) { timer.timer.Cancel(); }
  void Run() { Loop().RunOnce(); }
  template <class Work>
  void InTurn(const Work& work) {
    Loop().Post([&work] { work(); });
    Run();
  }
};

const bool registered = [] {
  bench::RegisterTimers<Belfry>("belfry");
  return true;
}();

}  // namespace
