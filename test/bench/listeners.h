// The listeners of the synchronous works, and what keeps them subscribed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/event.h"

namespace bench {

// Handles of any type, kept alive; the destructor of each ends its subscription.
using Handles = std::vector<std::shared_ptr<void>>;

template <class Handle>
std::shared_ptr<void> Hold(Handle handle) {
  return std::make_shared<Handle>(std::move(handle));
}

// 8 bytes; one type for all.
inline auto CountingListener(Counter* counter) {
  return [counter](const Event& event) { *counter += event.amount; };
}

// 16 bytes, as for a `this` and something else.
inline auto WideListener(Counter* counter, Counter factor) {
  return [counter, factor](const Event& event) { *counter += event.amount * factor; };
}

// A type for each Kind. Each does something else, or the compiler would merge their functions.
template <std::size_t Kind>
auto ListenerOfKind(Counter* counter) {
  return [counter](const Event& event) { *counter += event.amount + Kind; };
}

inline constexpr std::size_t kKinds = 16;

// The order of the kinds among N listeners: each 16 in a row are one of each kind, shuffled, and in
// every run and for every contender in the same way.
inline std::vector<std::size_t> MixedKinds(std::size_t listeners) {
  std::mt19937 random(1);
  std::array<std::size_t, kKinds> round{};
  std::iota(round.begin(), round.end(), std::size_t{0});
  std::vector<std::size_t> kinds;
  while (kinds.size() < listeners) {
    std::shuffle(round.begin(), round.end(), random);
    kinds.insert(kinds.end(), round.begin(), round.end());
  }
  kinds.resize(listeners);
  return kinds;
}

template <class Subject, std::size_t Kind>
std::shared_ptr<void> AddOfKind(Subject& subject, Counter* counter) {
  return Hold(subject.Add(ListenerOfKind<Kind>(counter)));
}

template <class Subject, std::size_t... Kind>
std::shared_ptr<void> AddMixed(Subject& subject, std::size_t kind, Counter* counter,
                               std::index_sequence<Kind...> /*kinds*/) {
  using Add = std::shared_ptr<void> (*)(Subject&, Counter*);
  static constexpr std::array<Add, sizeof...(Kind)> kAdd{&AddOfKind<Subject, Kind>...};
  return kAdd[kind](subject, counter);
}

// What was counted is checked after every run: a contender that loses events is not fast.
inline void ExpectCount(benchmark::State& state, Counter counted, Counter expected) {
  if (counted != expected) state.SkipWithError("a listener did not get each event once");
}

}  // namespace bench
