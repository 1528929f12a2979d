// moodycamel's queues in the asynchronous works, with tokens on both sides, pushed one by one and
// taken in bulk. ConcurrentQueue cannot wait: its workers give way and look again, and so it takes
// no part in idle_ping. BlockingConcurrentQueue sleeps like everybody else.
#include <blockingconcurrentqueue.h>
#include <concurrentqueue.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>
#include <type_traits>

#include "bench/async_works.h"
#include "bench/in_flight.h"
#include "bench/worker_queues.h"

namespace {

using bench::Event;

inline constexpr std::size_t kBulk = 256;

template <class Queue>
class TokenQueue {
 public:
  static constexpr bool kBounded = false;
  static constexpr bool kWaits = std::is_same_v<Queue, moodycamel::BlockingConcurrentQueue<Event>>;

  TokenQueue(bench::InFlightLimit& limit, std::size_t index)
      : limit_(limit), index_(index), queue_(bench::kInFlight) {}

  template <class Deliver>
  void Work(Deliver deliver) {
    moodycamel::ConsumerToken token(queue_);
    std::array<Event, kBulk> events;
    while (true) {
      const std::size_t count = Take(token, events);
      if (closed_.load(std::memory_order_relaxed)) return;
      if (count == 0) continue;
      for (std::size_t i = 0; i < count; ++i) deliver(events[i]);
      limit_.Finished(index_, count);
    }
  }

  void Close() {
    closed_.store(true, std::memory_order_relaxed);
    queue_.enqueue(Event{});  // wakes Work; delivered to nobody
  }

  class Producer {
   public:
    explicit Producer(TokenQueue& queue) : queue_(queue.queue_), token_(queue.queue_) {}
    void Push(const Event& event) { queue_.enqueue(token_, event); }

   private:
    Queue& queue_;
    moodycamel::ProducerToken token_;
  };

 private:
  std::size_t Take(moodycamel::ConsumerToken& token, std::array<Event, kBulk>& events) {
    if constexpr (kWaits) {
      return queue_.wait_dequeue_bulk(token, events.begin(), events.size());
    } else {
      const std::size_t count = queue_.try_dequeue_bulk(token, events.begin(), events.size());
      if (count == 0) std::this_thread::yield();
      return count;
    }
  }

  bench::InFlightLimit& limit_;
  const std::size_t index_;
  Queue queue_;
  std::atomic<bool> closed_{false};
};

template <class Sink>
using Yielding = bench::WorkerQueues<TokenQueue<moodycamel::ConcurrentQueue<Event>>, Sink>;
template <class Sink>
using Waiting = bench::WorkerQueues<TokenQueue<moodycamel::BlockingConcurrentQueue<Event>>, Sink>;

[[maybe_unused]] const bool registered = bench::RegisterThroughput<Yielding>("moodycamel") &&
                                         bench::RegisterAsync<Waiting>("moodycamel blocking");

}  // namespace
