#include <event2/event.h>
#include <event2/event_struct.h>

#include <chrono>

#include "bench/timers.h"

namespace {

class Libevent {
 public:
  struct Timer {
    event timer;
    int calls;
  };
  static constexpr double kTimerBytes = sizeof(event);

  Libevent() = default;
  ~Libevent() { event_base_free(loop_); }
  Libevent(const Libevent&) = delete;
  Libevent& operator=(const Libevent&) = delete;

  void Init(Timer& timer) {
    event_assign(
        &timer.timer, loop_, -1, 0,
        [](evutil_socket_t, short, void* self) { ++static_cast<Timer*>(self)->calls; }, &timer);
  }
  void Arm(Timer& timer, std::chrono::milliseconds delay) {
    const timeval wait{.tv_sec = delay.count() / 1000, .tv_usec = delay.count() % 1000 * 1000};
    event_add(&timer.timer, &wait);
  }
  void Cancel(Timer& timer) { event_del(&timer.timer); }
  void Run() { event_base_loop(loop_, EVLOOP_NONBLOCK); }
  template <class Work>
  void InTurn(const Work& work) {
    work();
  }

 private:
  event_base* const loop_ = event_base_new();
};

const bool registered = [] {
  bench::RegisterTimers<Libevent>("libevent");
  return true;
}();

}  // namespace
