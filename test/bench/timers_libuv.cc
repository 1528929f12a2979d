#include <uv.h>

#include <chrono>
#include <cstdint>

#include "bench/timers.h"

namespace {

class Libuv {
 public:
  struct Timer {
    uv_timer_t timer;
    int calls;
  };
  static constexpr double kTimerBytes = sizeof(uv_timer_t);

  Libuv() { uv_loop_init(&loop_); }
  ~Libuv() {
    uv_walk(
        &loop_, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); }, nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  Libuv(const Libuv&) = delete;
  Libuv& operator=(const Libuv&) = delete;

  void Init(Timer& timer) {
    uv_timer_init(&loop_, &timer.timer);
    timer.timer.data = &timer;
  }
  void Arm(Timer& timer, std::chrono::milliseconds delay) {
    const auto call = [](uv_timer_t* self) { ++static_cast<Timer*>(self->data)->calls; };
    uv_timer_start(&timer.timer, call, static_cast<std::uint64_t>(delay.count()), 0);
  }
  void Cancel(Timer& timer) { uv_timer_stop(&timer.timer); }
  void Run() { uv_run(&loop_, UV_RUN_NOWAIT); }
  template <class Work>
  void InTurn(const Work& work) {
    work();  // its loop keeps the time of its last turn anyway
  }

 private:
  uv_loop_t loop_{};
};

const bool registered = [] {
  bench::RegisterTimers<Libuv>("libuv");
  return true;
}();

}  // namespace
