// The works of awaiting: what each contender brings.
#pragma once

#include <cstdint>
#include <string>

#include "benchmark/benchmark.h"

namespace bench {

constexpr std::int64_t kAwaits = 10'000;  // of one run

// Contender::AwaitAll awaits kAwaits times; `elsewhere`: on another thread. Registered as
// await/VARIANT/CONTENDER.
template <class Contender>
bool RegisterAwait(const std::string& variant, const std::string& contender,
                   bool elsewhere = false) {
  const std::string name = "await/" + variant + "/" + contender;
  auto* const registered = benchmark::RegisterBenchmark(name.c_str(), [](benchmark::State& state) {
    Contender contending;
    for (auto _ : state) {
      if (contending.AwaitAll() != kAwaits) state.SkipWithError("something was not awaited");
    }
    state.SetItemsProcessed(state.iterations() * kAwaits);
  });
  if (elsewhere) registered->UseRealTime();
  return true;
}

// What is awaited: an event of that number.
struct Tick {
  std::int64_t number = 0;
};

}  // namespace bench
