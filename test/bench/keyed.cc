// Order by key: two publishers and two workers, one listener that handles two events at a time,
// with 10,000 keys and with none.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"

#include "belfry/dispatcher.h"
#include "bench/async_works.h"
#include "bench/event.h"
#include "bench/in_flight.h"

namespace {

constexpr std::size_t kKeys = 10'000;

// Changed by the events of one key only, which no other one shares a line with.
struct alignas(64) Account {
  std::atomic<std::uint64_t> sum{0};
};

std::size_t AccountOf(const bench::Event& event) {
  // Neighbours have keys that are far from each other.
  return static_cast<std::size_t>(event.sequence) * 7919 % kKeys;
}

void Keyed(benchmark::State& state, bool keyed) {
  constexpr std::size_t kThreads = 2;
  const std::uint64_t each = bench::settings.events / kThreads;
  for (auto _ : state) {
    std::vector<Account> accounts(kKeys);
    belfry::Dispatcher dispatcher({.pool = {.threads = kThreads}});
    belfry::ListenerOptions options;
    options.queue.events_max = bench::kInFlight;
    options.overflow = belfry::Overflow::Block(std::chrono::minutes(1));
    options.concurrency = kThreads;
    if (keyed) options.key = AccountOf;
    const belfry::Subscription listener = dispatcher.Subscribe(
        [&](const bench::Event& event) {
          accounts[AccountOf(event)].sum.fetch_add(1, std::memory_order_relaxed);
        },
        std::move(options));
    const auto publish = [&](std::uint64_t from, std::uint64_t count) {
      for (std::uint64_t n = from; n < from + count; ++n) dispatcher.Publish(bench::MakeEvent(n));
    };
    publish(0, bench::kInFlight);  // so that queues have reached their size
    dispatcher.Drain();

    const auto began = bench::BenchClock::now();
    {
      std::vector<std::jthread> publishers;
      for (std::size_t i = 0; i < kThreads; ++i) {
        publishers.emplace_back([&, i] { publish(i * each, each); });
      }
    }
    dispatcher.Drain();
    state.SetIterationTime(bench::Seconds(bench::BenchClock::now() - began));
    std::uint64_t sum = 0;
    for (const Account& account : accounts) sum += account.sum;
    if (sum != bench::kInFlight + kThreads * each) state.SkipWithError("an event was lost");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kThreads * each));
}

bool Register(const std::string& variant, bool keyed) {
  benchmark::RegisterBenchmark(("keyed/" + variant + "/belfry").c_str(),
                               [keyed](benchmark::State& state) { Keyed(state, keyed); })
      ->Iterations(1)
      ->UseManualTime();
  return true;
}

[[maybe_unused]] const bool registered =
    Register("2to2/no keys", false) && Register("2to2/10000 keys", true);

}  // namespace
