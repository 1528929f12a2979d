// What the listeners of the asynchronous works do, and what a contender is asked for.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <semaphore>

#include "bench/event.h"

namespace bench {

using BenchClock = std::chrono::steady_clock;

// How many threads publish, how many deliver, and to how many listeners.
struct AsyncShape {
  std::size_t publishers;
  std::size_t workers;
  std::size_t listeners;
};

// Adds up what it gets, and when it has got all tells the time and whoever waits. On a cache line
// of its own. Called by one thread at a time.
struct alignas(64) CountingSink {
  Counter sum = 0;
  std::uint64_t left = 0;  // events that have not come yet
  std::counting_semaphore<>* came = nullptr;
  BenchClock::time_point ended{};

  void Take(const Event& event) {
    sum += event.amount;
    if (--left == 0) {
      ended = BenchClock::now();
      came->release();
    }
  }
};

// Notes when it was called.
struct alignas(64) StampingSink {
  std::atomic<BenchClock::rep> called{0};  // 0: not yet

  void Take(const Event& /*event*/) {
    called.store(BenchClock::now().time_since_epoch().count(), std::memory_order_release);
  }
};

// A contender is made for a shape and that many sinks, has its workers running when its constructor
// returns, and ends them in its destructor:
//
//   template <class Sink>
//   class Contender {
//    public:
//     Contender(const AsyncShape& shape, Sink* sinks);
//     class Publisher {                       // one per publishing thread, made on it
//      public:
//       explicit Publisher(Contender& contender);
//       void Publish(const Event& event);     // to every listener; in order; may wait
//     };
//   };

}  // namespace bench
