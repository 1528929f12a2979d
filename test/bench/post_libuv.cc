// libuv in the works of posting: uv_async_send, which wakes the loop and carries nothing, and what
// its users put beside it.
#include <uv.h>

#include <thread>

#include "bench/closure_vector.h"
#include "bench/post.h"
#include "bench/post_signal.h"

namespace {

class Async {
 public:
  Async(void (*called)(void*), void* argument) : called_(called), argument_(argument) {
    uv_loop_init(&loop_);
    async_.data = stop_.data = this;
    uv_async_init(&loop_, &async_, [](uv_async_t* handle) {
      const auto& self = *static_cast<Async*>(handle->data);
      self.called_(self.argument_);
    });
    uv_async_init(&loop_, &stop_, [](uv_async_t* handle) { uv_stop(handle->loop); });
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }
  Async(const Async&) = delete;
  Async& operator=(const Async&) = delete;
  ~Async() {
    uv_async_send(&stop_);
    thread_.join();
    uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  void Signal() { uv_async_send(&async_); }

 private:
  void (*const called_)(void*);
  void* const argument_;
  uv_loop_t loop_;
  uv_async_t async_;
  uv_async_t stop_;
  std::thread thread_;
};

[[maybe_unused]] const bool registered =
    bench::RegisterSignal<Async>("libuv uv_async_send") &&
    bench::RegisterPost<bench::SignalAndVector<Async>>("libuv with mutex+vector");

}  // namespace
