// A task that must end in time.
//
//   const std::optional<Quote> in_time = co_await belfry::Timeout(1s, Quoted("east"));
#pragma once

#include <utility>

#include "belfry/clock.h"
#include "belfry/flow/any.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/task.h"
#include "belfry/site.h"

namespace belfry {

inline Task<> SleepFor(Nanoseconds duration, Site site = Site::Here()) {
  co_await Sleep(duration, site);
}

// What the task returns, if it has ended in time; nothing otherwise, and it is given up. Of one
// that returns nothing, whether it has.
template <class T>
Task<MaybeValue<T>> Timeout(Nanoseconds limit, Task<T> task, Site site = Site::Here()) {
  return Before(SleepFor(limit, site), std::move(task));
}

}  // namespace belfry
