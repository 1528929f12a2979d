// A mutex, two condition variables and a deque in the asynchronous works.
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>

#include "bench/async_works.h"
#include "bench/in_flight.h"
#include "bench/worker_queues.h"

namespace {

using bench::Event;

class MutexQueue {
 public:
  static constexpr bool kBounded = true;

  MutexQueue(bench::InFlightLimit& /*limit*/, std::size_t /*index*/) {}

  template <class Deliver>
  void Work(Deliver deliver) {
    while (true) {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return !events_.empty() || closed_; });
      if (events_.empty()) return;
      const Event event = events_.front();
      events_.pop_front();
      lock.unlock();
      not_full_.notify_one();
      deliver(event);
    }
  }

  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
  }

  class Producer {
   public:
    explicit Producer(MutexQueue& queue) : queue_(queue) {}
    void Push(const Event& event) {
      {
        std::unique_lock lock(queue_.mutex_);
        queue_.not_full_.wait(lock, [this] { return queue_.events_.size() < bench::kInFlight; });
        queue_.events_.push_back(event);
      }
      queue_.not_empty_.notify_one();
    }

   private:
    MutexQueue& queue_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::deque<Event> events_;
  bool closed_ = false;
};

template <class Sink>
using Mutex = bench::WorkerQueues<MutexQueue, Sink>;

[[maybe_unused]] const bool registered = bench::RegisterAsync<Mutex>("mutex+condvar");

}  // namespace
