// Works that subscribe and unsubscribe: churn, subscribe_reset, and the bytes of a listener.
// sync_register.h says what a Subject is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/event.h"
#include "bench/heap.h"
#include "bench/listeners.h"

namespace bench {

// Subscribes and unsubscribes one listener on a thread of its own, without pause, while it lives.
template <class Subject>
class Churner {
 public:
  explicit Churner(Subject& subject)
      : thread_([this, &subject](std::stop_token stop) {
          Counter unused = 0;
          while (!stop.stop_requested()) {
            { [[maybe_unused]] auto handle = subject.Add(WideListener(&unused, 1)); }
            pairs_.store(pairs_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
          }
        }) {
    while (pairs() == 0) std::this_thread::yield();
  }

  std::uint64_t pairs() const { return pairs_.load(std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<std::uint64_t> pairs_{0};
  std::jthread thread_;
};

// churn: publishing to four listeners while another thread subscribes and unsubscribes.
template <class Subject>
void Churn(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  std::vector<Counter> counters(4);
  Subject subject;
  Handles handles;
  for (Counter& counter : counters) {
    handles.push_back(Hold(subject.Add(CountingListener(&counter))));
  }
  std::uint64_t sequence = 0;
  {
    Churner<Subject> churner(subject);
    const std::uint64_t pairs_before = churner.pairs();
    const Clock::time_point start = Clock::now();
    for (auto _ : state) subject.Emit(MakeEvent(++sequence));
    const std::chrono::duration<double> seconds = Clock::now() - start;
    state.counters["pairs_per_second"] =
        static_cast<double>(churner.pairs() - pairs_before) / seconds.count();
  }
  for (const Counter counted : counters) ExpectCount(state, counted, sequence);
}

// subscribe_reset: one pair, beside so many other listeners of the same event.
template <class Subject>
void SubscribeReset(benchmark::State& state, std::size_t others) {
  Counter counter = 0;
  Subject subject;
  Handles handles;
  for (std::size_t i = 0; i < others; ++i) {
    handles.push_back(Hold(subject.Add(WideListener(&counter, i))));
  }
  for (auto _ : state) {
    auto handle = subject.Add(WideListener(&counter, 1));
    benchmark::DoNotOptimize(handle);
  }
}

// memory: bytes per idle inline listener of 16 bytes, its handle included.
template <class Subject>
void BytesPerListener(benchmark::State& state) {
  constexpr std::size_t kListeners = 2'000;
  Counter counter = 0;
  for (auto _ : state) {
    Subject subject;
    using Handle = decltype(subject.Add(WideListener(&counter, 0)));
    std::vector<Handle> handles;
    handles.reserve(kListeners);
    const std::size_t before = BytesInUse();
    for (std::size_t i = 0; i < kListeners; ++i) {
      handles.push_back(subject.Add(WideListener(&counter, i)));
    }
    const std::size_t bytes = BytesInUse() - before + kListeners * sizeof(Handle);
    state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(kListeners);
  }
}

}  // namespace bench
