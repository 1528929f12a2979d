// The works of posting to a loop: post and post_ping, for anything that is
//
//   class Contender {
//    public:
//     Contender();                 // a loop, which runs on a thread of its own
//     ~Contender();                // ends it; nothing is posted by then
//     template <class Closure>
//     void Post(Closure closure);  // to be called once on that thread, in order
//   };
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/async_works.h"
#include "bench/in_flight.h"

namespace bench {

// What the closures of one run of `post` add up to.
struct alignas(64) PostSink {
  std::uint64_t left = 0;  // closures that have not run yet
  std::uint64_t ran = 0;
  std::counting_semaphore<>& came;
  BenchClock::time_point ended{};

  void Take(InFlightLimit& limit) {
    if (++ran % InFlightLimit::kBatch == 0) limit.Finished(0, InFlightLimit::kBatch);
    if (--left == 0) {
      ended = BenchClock::now();
      came.release();
    }
  }
};

// Seconds from the first post until the last closure has run. A closure is two pointers.
template <class Contender>
double SecondsToPost(Contender& contender, PostSink& sink, InFlightLimit& limit,
                     std::uint64_t posts) {
  InFlightLimit::Tickets tickets(limit);
  sink.left = posts;
  const BenchClock::time_point began = BenchClock::now();
  for (std::uint64_t i = 0; i < posts; ++i) {
    tickets.TakeOne();
    contender.Post([&sink, &limit] { sink.Take(limit); });
  }
  sink.came.acquire();
  return Seconds(sink.ended - began);
}

// post: one thread posts, the loop's runs, after so many that queues have reached their size.
template <class Contender>
void Post(benchmark::State& state) {
  const std::uint64_t posts = settings.events / kInFlight * kInFlight + kInFlight;
  for (auto _ : state) {
    std::counting_semaphore<> came(0);
    PostSink sink{.came = came};
    InFlightLimit limit(1);
    Contender contender;
    SecondsToPost(contender, sink, limit, 2 * kInFlight);
    state.SetIterationTime(SecondsToPost(contender, sink, limit, posts));
    if (sink.ran != posts + 2 * kInFlight) state.SkipWithError("a closure did not run once");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(posts));
}

// Nanoseconds from the call of `post` until `called` is set, which it leads to, on a loop that
// sleeps.
template <class Post>
double PingLoop(std::atomic<BenchClock::rep>& called, Post post) {
  std::this_thread::sleep_for(kIdle);
  called.store(0, std::memory_order_relaxed);
  const BenchClock::rep posted = BenchClock::now().time_since_epoch().count();
  post();
  BenchClock::rep stamp = 0;
  std::this_thread::sleep_for(kIdle / 10);  // out of the loop's way, unless it is very late
  while ((stamp = called.load(std::memory_order_acquire)) == 0) std::this_thread::yield();
  return static_cast<double>(
      std::chrono::nanoseconds(BenchClock::duration(stamp - posted)).count());
}

inline void Stamp(std::atomic<BenchClock::rep>& called) {
  called.store(BenchClock::now().time_since_epoch().count(), std::memory_order_release);
}

inline void CountPings(benchmark::State& state, std::vector<double>& taken) {
  std::sort(taken.begin(), taken.end());
  state.counters["p50"] = taken[taken.size() / 2];
  state.counters["p99"] = taken[taken.size() * 99 / 100];
}

template <class Contender>
void PostPing(benchmark::State& state) {
  for (auto _ : state) {
    std::atomic<BenchClock::rep> called{0};
    Contender contender;
    std::vector<double> taken(settings.pings);
    for (double& each : taken) {
      each = PingLoop(called, [&] { contender.Post([&called] { Stamp(called); }); });
    }
    CountPings(state, taken);
  }
}

inline void RegisterPostWork(const std::string& name, void (*work)(benchmark::State&)) {
  benchmark::RegisterBenchmark(name.c_str(), work)->Iterations(1)->UseManualTime();
}

template <class Contender>
bool RegisterPost(const std::string& name) {
  RegisterPostWork("post/2 pointers/" + name, &Post<Contender>);
  benchmark::RegisterBenchmark(("post_ping/asleep/" + name).c_str(), &PostPing<Contender>)
      ->Iterations(1);
  return true;
}

}  // namespace bench
