#define EV_COMPAT3 0
#include <ev.h>

#include <chrono>

#include "bench/timers.h"

namespace {

class Libev {
 public:
  struct Timer {
    ev_timer timer;
    int calls;
  };
  static constexpr double kTimerBytes = sizeof(ev_timer);

  Libev() = default;
  ~Libev() { ev_loop_destroy(loop_); }
  Libev(const Libev&) = delete;
  Libev& operator=(const Libev&) = delete;

  void Init(Timer& timer) {
    ev_init(&timer.timer,
            [](struct ev_loop*, ev_timer* self, int) { ++static_cast<Timer*>(self->data)->calls; });
    timer.timer.data = &timer;
  }
  // Its manual puts a time-out off with ev_timer_again.
  void Arm(Timer& timer, std::chrono::milliseconds delay) {
    const double seconds = std::chrono::duration<double>(delay).count();
    if (ev_is_active(&timer.timer)) {
      timer.timer.repeat = seconds;
      ev_timer_again(loop_, &timer.timer);
    } else {
      ev_timer_set(&timer.timer, seconds, 0);
      ev_timer_start(loop_, &timer.timer);
    }
  }
  void Cancel(Timer& timer) { ev_timer_stop(loop_, &timer.timer); }
  void Run() { ev_run(loop_, EVRUN_NOWAIT); }
  template <class Work>
  void InTurn(const Work& work) {
    work();  // its loop keeps the time of its last turn anyway
  }

 private:
  struct ev_loop* const loop_ = ev_loop_new(EVFLAG_AUTO);
};

const bool registered = [] {
  bench::RegisterTimers<Libev>("libev");
  return true;
}();

}  // namespace
