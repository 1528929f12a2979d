// Works on one subject whose listeners stay: sync_same_type, sync_mixed_types, sync_two_threads.
// sync_register.h says what a Subject is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/event.h"
#include "bench/listeners.h"

namespace bench {

template <class Subject>
void SameType(benchmark::State& state, std::size_t listeners) {
  std::vector<Counter> counters(listeners);
  Subject subject;
  Handles handles;
  for (Counter& counter : counters) {
    handles.push_back(Hold(subject.Add(CountingListener(&counter))));
  }
  std::uint64_t sequence = 0;
  for (auto _ : state) subject.Emit(MakeEvent(++sequence));
  for (const Counter counted : counters) ExpectCount(state, counted, sequence);
}

template <class Subject>
void MixedTypes(benchmark::State& state, std::size_t listeners) {
  const std::vector<std::size_t> kinds = MixedKinds(listeners);
  std::vector<Counter> counters(listeners);
  Subject subject;
  Handles handles;
  for (std::size_t i = 0; i < listeners; ++i) {
    handles.push_back(
        AddMixed(subject, kinds[i], &counters[i], std::make_index_sequence<kKinds>()));
  }
  std::uint64_t sequence = 0;
  for (auto _ : state) subject.Emit(MakeEvent(++sequence));
  for (std::size_t i = 0; i < listeners; ++i) {
    ExpectCount(state, counters[i], sequence * (1 + kinds[i]));
  }
}

// One subject and its four listeners, published to by all threads of a run. The listeners add to
// counters of the thread they run on, so that nothing is contended but what the subject shares.
template <class Subject>
class FourShared {
 public:
  static void SetUp(const benchmark::State& /*state*/) {
    shared = std::make_unique<FourShared>();
    for (std::size_t i = 0; i < kListeners; ++i) {
      shared->handles_.push_back(Hold(shared->subject_.Add(
          [i](const Event& event) { counters_of_this_thread[i] += event.amount; })));
    }
  }
  static void TearDown(const benchmark::State& /*state*/) { shared.reset(); }

  static void Run(benchmark::State& state) {
    counters_of_this_thread = {};
    Subject& subject = shared->subject_;
    std::uint64_t sequence = 0;
    for (auto _ : state) subject.Emit(MakeEvent(++sequence));
    for (const Counter counted : counters_of_this_thread) ExpectCount(state, counted, sequence);
    state.SetItemsProcessed(state.iterations());
  }

 private:
  static constexpr std::size_t kListeners = 4;

  static inline std::unique_ptr<FourShared> shared;
  static inline constinit thread_local std::array<Counter, kListeners> counters_of_this_thread{};

  Subject subject_;
  Handles handles_;
};

}  // namespace bench
