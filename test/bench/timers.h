// The works on a million timers, the same for every contender.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/heap.h"
#include "bench/million_timers.h"

namespace bench {

// Runs `work` once for each iteration and has it measured per timer.
template <class Work>
void MeasureEach(benchmark::State& state, Work work) {
  for (auto unused : state) {
    const std::chrono::nanoseconds spent = work();
    state.SetIterationTime(std::chrono::duration<double>(spent).count());
    state.counters["ns"] = static_cast<double>(spent.count()) / kTimers;
  }
}

template <class Contender>
std::chrono::nanoseconds MeasureArm() {
  MillionTimers<Contender> million;
  const auto delays = Delays(kMinute);
  const auto begin = ProcessorTime();
  million.Arm(delays);
  return ProcessorTime() - begin;
}

template <class Contender>
std::chrono::nanoseconds MeasureCancel() {
  MillionTimers<Contender> million;
  million.Arm(Delays(kMinute));
  const auto order = Shuffled();
  const auto begin = ProcessorTime();
  million.contender.InTurn([&] {
    for (const std::uint32_t i : order) million.contender.Cancel(million.timers[i]);
  });
  return ProcessorTime() - begin;
}

// Idle time-outs of a minute, each put off again by another one.
template <class Contender>
std::chrono::nanoseconds MeasureRearm() {
  MillionTimers<Contender> million;
  const std::vector<std::chrono::milliseconds> minutes(kTimers, kMinute);
  million.Arm(minutes);
  const auto begin = ProcessorTime();
  million.Arm(minutes);
  return ProcessorTime() - begin;
}

// All become due within a second, and run in one turn.
template <class Contender>
std::chrono::nanoseconds MeasureFire(benchmark::State& state) {
  constexpr std::chrono::milliseconds kSecond{1'000};
  MillionTimers<Contender> million;
  million.Arm(Delays(kSecond));
  std::this_thread::sleep_for(kSecond + std::chrono::milliseconds(20));
  const auto begin = ProcessorTime();
  million.contender.Run();
  const auto spent = ProcessorTime() - begin;
  std::size_t calls = 0;
  for (std::size_t i = 0; i < kTimers; ++i) calls += million.timers[i].calls == 1;
  if (calls < kTimers * 99 / 100) state.SkipWithError("not all timers ran");
  return spent;
}

// Of the timer itself, without what it counts its calls with, and of what the loop needs for it.
template <class Contender>
double MeasureBytes() {
  MillionTimers<Contender> million;
  const auto delays = Delays(kMinute);
  const std::size_t before = BytesInUse();
  million.Arm(delays);
  return static_cast<double>(BytesInUse() - before) / kTimers + Contender::kTimerBytes;
}

template <class Contender>
void RegisterTimers(const std::string& name) {
  const auto add = [&name](const char* work, auto measure) {
    benchmark::RegisterBenchmark((work + ("/" + name)).c_str(), measure)
        ->UseManualTime()
        ->Iterations(1);
  };
  add("timers/arm", [](benchmark::State& state) { MeasureEach(state, MeasureArm<Contender>); });
  add("timers/cancel",
      [](benchmark::State& state) { MeasureEach(state, MeasureCancel<Contender>); });
  add("timers/re-arm",
      [](benchmark::State& state) { MeasureEach(state, MeasureRearm<Contender>); });
  add("timers/fire", [](benchmark::State& state) {
    MeasureEach(state, [&state] { return MeasureFire<Contender>(state); });
  });
  add("timer_memory/armed", [](benchmark::State& state) {
    for (auto unused : state) {
      state.counters["bytes"] = MeasureBytes<Contender>();
      state.SetIterationTime(1);
    }
  });
}

}  // namespace bench
