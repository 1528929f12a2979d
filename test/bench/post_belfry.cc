// Belfry in the works of posting, and the floor: epoll, an eventfd and a vector under a mutex.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "belfry/event_loop.h"
#include "bench/closure_vector.h"
#include "bench/post.h"

namespace {

class Belfry {
 public:
  Belfry() : thread_([this] { loop_.Run(); }) {}
  Belfry(const Belfry&) = delete;
  Belfry& operator=(const Belfry&) = delete;
  ~Belfry() { loop_.Stop(); }

  template <class Closure>
  void Post(Closure closure) {
    loop_.Post(closure);
  }

 private:
  belfry::EventLoop loop_;
  std::jthread thread_;
};

class Floor {
 public:
  Floor() : thread_([this] { Run(); }) {}
  Floor(const Floor&) = delete;
  Floor& operator=(const Floor&) = delete;
  ~Floor() {
    Post([this] { stopped_ = true; });
    thread_.join();
    ::close(epoll_);
    ::close(wakeup_);
  }

  template <class Closure>
  void Post(Closure closure) {
    if (posted_.Push(closure)) ::eventfd_write(wakeup_, 1);
  }

 private:
  void Run() {
    epoll_event event{.events = EPOLLIN, .data = {}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event);
    while (!stopped_) {
      ::epoll_wait(epoll_, &event, 1, -1);
      eventfd_t count = 0;
      ::eventfd_read(wakeup_, &count);
      posted_.RunAll();
    }
  }

  const int epoll_ = ::epoll_create1(0);
  const int wakeup_ = ::eventfd(0, EFD_NONBLOCK);
  bench::ClosureVector posted_;
  bool stopped_ = false;  // the loop's
  std::thread thread_;
};

[[maybe_unused]] const bool registered =
    bench::RegisterPost<Belfry>("belfry") && bench::RegisterPost<Floor>("floor");

}  // namespace
