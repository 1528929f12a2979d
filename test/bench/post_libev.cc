// libev in the works of posting: ev_async_send, which wakes the loop and carries nothing, and what
// its users put beside it.
#include <ev.h>

#include <thread>

#include "bench/closure_vector.h"
#include "bench/post.h"
#include "bench/post_signal.h"

namespace {

class Async {
 public:
  Async(void (*called)(void*), void* argument) : called_(called), argument_(argument) {
    ev_async_init(&async_, &Async::Called);
    ev_async_init(&stop_, &Async::Stopped);
    async_.data = this;
    ev_async_start(loop_, &async_);
    ev_async_start(loop_, &stop_);
    thread_ = std::thread([this] { ev_run(loop_, 0); });
  }
  Async(const Async&) = delete;
  Async& operator=(const Async&) = delete;
  ~Async() {
    ev_async_send(loop_, &stop_);
    thread_.join();
    ev_loop_destroy(loop_);
  }

  void Signal() { ev_async_send(loop_, &async_); }

 private:
  static void Called(struct ev_loop* /*loop*/, ev_async* async, int /*events*/) {
    const auto& self = *static_cast<Async*>(async->data);
    self.called_(self.argument_);
  }
  static void Stopped(struct ev_loop* loop, ev_async* /*async*/, int /*events*/) {
    ev_break(loop, EVBREAK_ALL);
  }

  void (*const called_)(void*);
  void* const argument_;
  struct ev_loop* const loop_ = ev_loop_new(EVFLAG_AUTO);
  ev_async async_;
  ev_async stop_;
  std::thread thread_;
};

[[maybe_unused]] const bool registered =
    bench::RegisterSignal<Async>("libev ev_async_send") &&
    bench::RegisterPost<bench::SignalAndVector<Async>>("libev with mutex+vector");

}  // namespace
