// A task that must end in time.
//
//   const std::optional<Quote> in_time = co_await belfry::Timeout(1s, Quoted("east"));
#pragma once

#include <optional>
#include <utility>

#include "belfry/clock.h"
#include "belfry/completion.h"
#include "belfry/flow/any.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/task.h"
#include "belfry/site.h"

namespace belfry {

inline Task<> SleepFor(Nanoseconds duration, Site site = Site::Here()) {
  co_await Sleep(duration, site);
}

// What the task returns, if it has ended in time; nothing otherwise, and it is given up. Of one
// that returns nothing, whether it has. It begins in any case: without a limit above zero, what it
// does before it waits is in time.
template <class T>
Task<MaybeValue<T>> Timeout(Nanoseconds limit, Task<T> task, Site site = Site::Here()) {
  if (limit <= Nanoseconds::zero()) {
    co_return co_await Before(SleepFor(limit, site), std::move(task));
  }
  // The time first: what the task does before it waits takes some, too.
  co_return ValueIfFirst<T, 1>(co_await Any(SleepFor(limit, site), std::move(task)));
}

template <class T>
Task<T> EndOf(Completion<T> operation, Site site) {
  co_return co_await TaskAwaitable<CompletionWait<T>, Completion<T>, Site>(std::move(operation),
                                                                           site);
}

// The same for an operation that is under way, and that goes on where it is too late.
//
//   const std::optional<FileReadFinished> read =
//       co_await belfry::Timeout(1s, files.Read("welcome.txt"));
template <class T>
Task<std::optional<T>> Timeout(Nanoseconds limit, Completion<T> operation,
                               Site site = Site::Here()) {
  return Timeout(limit, EndOf(std::move(operation), site), site);
}

}  // namespace belfry
