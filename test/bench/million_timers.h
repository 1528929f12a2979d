// A million timers of one contender.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace bench {

// A contender is a class with a loop, and
//   struct Timer                        a timer, and `calls`: how often it was called
//   void Init(Timer&)                   makes it one of the loop's
//   void Arm(Timer&, milliseconds)      armed already: puts it off
//   void Cancel(Timer&)
//   void Run()                          one turn, without waiting
//   void InTurn(work)                   calls work() where its loop calls whoever uses it
//   kTimerBytes                         the size of the timer itself
constexpr std::size_t kTimers = 1'000'000;

inline std::chrono::nanoseconds ProcessorTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// The same for all: delays from 1 ms up to `limit`, and an order that is not that in memory.
inline std::vector<std::chrono::milliseconds> Delays(std::chrono::milliseconds limit) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::chrono::milliseconds::rep> below(1, limit.count());
  std::vector<std::chrono::milliseconds> delays(kTimers);
  for (auto& delay : delays) delay = std::chrono::milliseconds(below(random));
  return delays;
}
inline std::vector<std::uint32_t> Shuffled() {
  std::vector<std::uint32_t> order(kTimers);
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937(2));
  return order;
}

constexpr std::chrono::milliseconds kMinute{60'000};

template <class Contender>
struct MillionTimers {
  MillionTimers() {
    for (std::size_t i = 0; i < kTimers; ++i) contender.Init(timers[i]);
  }
  ~MillionTimers() {
    for (std::size_t i = 0; i < kTimers; ++i) contender.Cancel(timers[i]);
  }
  void Arm(const std::vector<std::chrono::milliseconds>& delays) {
    contender.InTurn([&] {
      for (std::size_t i = 0; i < kTimers; ++i) contender.Arm(timers[i], delays[i]);
    });
  }

  std::unique_ptr<typename Contender::Timer[]> timers =
      std::make_unique<typename Contender::Timer[]>(kTimers);
  Contender contender;
};

}  // namespace bench
