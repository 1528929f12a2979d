// The asynchronous works: async and idle_ping, for anything that async_sinks.h calls a contender.
//
//   const bool registered = bench::RegisterAsync<Contender>("name");
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/async_sinks.h"
#include "bench/event.h"
#include "bench/in_flight.h"

namespace bench {

// Set by flags before anything runs.
struct AsyncSettings {
  std::uint64_t events = 2'000'000;  // of one repetition of async
  std::size_t pings = 1'000;         // of one repetition of idle_ping
};
inline AsyncSettings settings;

// How long an idle worker is left alone before it is pinged: it sleeps by then.
inline constexpr std::chrono::microseconds kIdle{500};

inline double Seconds(BenchClock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Publishes all events from as many threads as the shape says. Returns when the first began.
template <class Contender>
BenchClock::time_point PublishAll(Contender& contender, std::size_t publishers,
                                  std::uint64_t events_each) {
  std::latch ready(static_cast<std::ptrdiff_t>(publishers));
  std::vector<BenchClock::time_point> began(publishers);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < publishers; ++i) {
    threads.emplace_back([&, i] {
      typename Contender::Publisher publisher(contender);
      ready.arrive_and_wait();
      began[i] = BenchClock::now();
      for (std::uint64_t n = 1; n <= events_each; ++n) publisher.Publish(MakeEvent(n));
    });
  }
  threads.clear();
  return *std::min_element(began.begin(), began.end());
}

// Seconds from the first publish until each listener has got all `events`; 0 if one has missed any.
template <class Contender>
double SecondsToDeliver(Contender& contender, std::vector<CountingSink>& sinks,
                        std::size_t publishers, std::uint64_t events) {
  for (CountingSink& sink : sinks) sink = {.left = events, .came = sink.came};
  const BenchClock::time_point began = PublishAll(contender, publishers, events / publishers);
  for (const CountingSink& sink : sinks) sink.came->acquire();

  BenchClock::time_point ended = began;
  for (const CountingSink& sink : sinks) {
    ended = std::max(ended, sink.ended);
    if (sink.sum != events) return 0;
  }
  return Seconds(ended - began);
}

// async: all of it, after so many events that queues have reached their size.
template <class Contender>
void Async(benchmark::State& state, const AsyncShape& shape) {
  const std::uint64_t events = settings.events / shape.publishers * shape.publishers;
  for (auto _ : state) {
    std::counting_semaphore<> came(0);
    std::vector<CountingSink> sinks(shape.listeners, {.came = &came});
    Contender contender(shape, sinks.data());
    SecondsToDeliver(contender, sinks, shape.publishers, 2 * kInFlight);
    const double seconds = SecondsToDeliver(contender, sinks, shape.publishers, events);
    if (seconds == 0) state.SkipWithError("a listener did not get each event once");
    state.SetIterationTime(seconds);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events));
}

// One publish to a worker that sleeps: nanoseconds until its listener runs.
template <class Publisher>
double Ping(Publisher& publisher, StampingSink& sink) {
  std::this_thread::sleep_for(kIdle);
  sink.called.store(0, std::memory_order_relaxed);
  const BenchClock::rep published = BenchClock::now().time_since_epoch().count();
  publisher.Publish(MakeEvent(1));
  BenchClock::rep called = 0;
  std::this_thread::sleep_for(kIdle / 10);  // out of the worker's way, unless it is very late
  while ((called = sink.called.load(std::memory_order_acquire)) == 0) std::this_thread::yield();
  return static_cast<double>(
      std::chrono::nanoseconds(BenchClock::duration(called - published)).count());
}

template <class Contender>
void IdlePing(benchmark::State& state) {
  for (auto _ : state) {
    StampingSink sink;
    Contender contender({.publishers = 1, .workers = 1, .listeners = 1}, &sink);
    typename Contender::Publisher publisher(contender);
    std::vector<double> taken(settings.pings);
    for (double& each : taken) each = Ping(publisher, sink);
    std::sort(taken.begin(), taken.end());
    state.counters["p50"] = taken[taken.size() / 2];
    state.counters["p99"] = taken[taken.size() * 99 / 100];
  }
}

inline std::string VariantOf(const AsyncShape& shape) {
  return std::to_string(shape.publishers) + "to" + std::to_string(shape.workers) + "/" +
         std::to_string(shape.listeners);
}

template <template <class Sink> class Contender>
bool RegisterThroughput(const std::string& name) {
  for (const std::size_t threads : {1, 2}) {
    for (const std::size_t listeners : {1, 4}) {
      const AsyncShape shape{.publishers = threads, .workers = threads, .listeners = listeners};
      benchmark::RegisterBenchmark(
          ("async/" + VariantOf(shape) + "/" + name).c_str(),
          [shape](benchmark::State& state) { Async<Contender<CountingSink>>(state, shape); })
          ->Iterations(1)
          ->UseManualTime();
    }
  }
  return true;
}

template <template <class Sink> class Contender>
bool RegisterIdlePing(const std::string& variant, const std::string& name) {
  benchmark::RegisterBenchmark(("idle_ping/" + variant + "/" + name).c_str(),
                               &IdlePing<Contender<StampingSink>>)
      ->Iterations(1);
  return true;
}

template <template <class Sink> class Contender>
bool RegisterAsync(const std::string& name) {
  return RegisterIdlePing<Contender>("1to1", name) && RegisterThroughput<Contender>(name);
}

}  // namespace bench
