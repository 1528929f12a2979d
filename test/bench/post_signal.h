// The works of posting, for what wakes a loop and carries nothing: many signals are one call.
//
//   class Contender {
//    public:
//     Contender(void (*called)(void*), void* argument);  // a loop, on a thread of its own
//     ~Contender();                                      // ends it
//     void Signal();  // afterwards `called(argument)` is called on that thread
//   };
#pragma once

#include <atomic>
#include <cstdint>
#include <semaphore>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/async_works.h"
#include "bench/post.h"

namespace bench {

// post: from the first signal until a call that followed the last one.
template <class Contender>
void Signal(benchmark::State& state) {
  struct Seen {
    std::atomic<bool> last{false};
    bool told = false;
    BenchClock::time_point ended{};
    std::counting_semaphore<> came{0};
  };
  for (auto _ : state) {
    Seen seen;
    Contender contender(
        [](void* argument) {
          auto& all = *static_cast<Seen*>(argument);
          if (!all.last.load(std::memory_order_acquire) || all.told) return;
          all.told = true;
          all.ended = BenchClock::now();
          all.came.release();
        },
        &seen);
    const BenchClock::time_point began = BenchClock::now();
    for (std::uint64_t i = 1; i < settings.events; ++i) contender.Signal();
    seen.last.store(true, std::memory_order_release);
    contender.Signal();
    seen.came.acquire();
    state.SetIterationTime(Seconds(seen.ended - began));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(settings.events));
}

template <class Contender>
void SignalPing(benchmark::State& state) {
  for (auto _ : state) {
    std::atomic<BenchClock::rep> called{0};
    Contender contender(
        [](void* argument) { Stamp(*static_cast<std::atomic<BenchClock::rep>*>(argument)); },
        &called);
    std::vector<double> taken(settings.pings);
    for (double& each : taken) {
      each = PingLoop(called, [&] { contender.Signal(); });
    }
    CountPings(state, taken);
  }
}

template <class Contender>
bool RegisterSignal(const std::string& name) {
  RegisterPostWork("post/no payload/" + name, &Signal<Contender>);
  benchmark::RegisterBenchmark(("post_ping/asleep/" + name).c_str(), &SignalPing<Contender>)
      ->Iterations(1);
  return true;
}

}  // namespace bench
