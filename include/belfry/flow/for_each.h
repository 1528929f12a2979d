// A task for each of many, a few at a time.
//
//   co_await belfry::ForEach(addresses, 8, [&](const Address& to) { return Deliver(to); });
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "belfry/flow/all.h"
#include "belfry/flow/task.h"

namespace belfry {

template <class Next, class End, class F>
Task<> ForEachInTurn(Next& next, const End& end, F& f) {
  while (next != end) {
    auto&& item = *next;
    ++next;
    co_await f(item);
  }
}

// Awaits `f(item)`, a task, for each, in order of their beginning and at most `at_once` at a time.
// One that throws gives up all others. `items` and `f` are the task's.
template <class Range, class F>
Task<> ForEach(Range items, std::size_t at_once, F f) {
  auto next = std::begin(items);
  const auto end = std::end(items);
  std::vector<Task<>> workers;
  for (std::size_t i = 0; i < std::max<std::size_t>(at_once, 1); ++i) {
    workers.push_back(ForEachInTurn(next, end, f));
  }
  co_await All(std::move(workers));
}

}  // namespace belfry
