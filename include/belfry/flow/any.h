// Several tasks at once, and what the first one brings.
//
//   std::variant<Quote, Quote> first = co_await belfry::Any(Quoted("north"), Quoted("south"));
//
// They belong to the awaiting task: they begin at once, in their order, and go on one at a time
// where it does. What is given up is destroyed where it waits.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "belfry/flow/task.h"
#include "belfry/flow/task_join.h"

namespace belfry {

template <class... T>
class AnyAwaiter final : public TaskTupleJoin<T...> {
 public:
  explicit AnyAwaiter(Task<T>... tasks) : TaskTupleJoin<T...>(1, std::move(tasks)...) {}

  std::variant<TaskValue<T>...> await_resume() {
    std::optional<std::variant<TaskValue<T>...>> first;
    TakeFirst(first, std::index_sequence_for<T...>());
    return *std::move(first);
  }

 private:
  template <class First, std::size_t... I>
  void TakeFirst(First& first, std::index_sequence<I...>) {
    auto& tasks = this->tasks_;
    (TaskJoin::GiveUp(std::get<I>(tasks)), ...);
    ((std::get<I>(tasks).valid() && !first.has_value()
          ? void(first.emplace(std::in_place_index<I>, TakeValue(std::get<I>(tasks))))
          : void()),
     ...);
  }
};

// Goes on when the first has ended, with what that returns or throws; the others are given up. The
// variant's index says which one it was.
template <class... T>
requires(sizeof...(T) > 0) TaskAwaitable<AnyAwaiter<T...>, Task<T>...> Any(Task<T>... tasks) {
  return TaskAwaitable<AnyAwaiter<T...>, Task<T>...>(std::move(tasks)...);
}

// What a task of T brings, or nothing; whether it has ended, if it brings nothing.
template <class T>
using MaybeValue = std::conditional_t<std::is_void_v<T>, bool, std::optional<TaskValue<T>>>;

// That of the task at Index, if it was the first.
template <class T, std::size_t Index, class First>
MaybeValue<T> ValueIfFirst(First first) {
  if constexpr (std::is_void_v<T>) {
    return first.index() == Index;
  } else {
    if (first.index() != Index) return std::nullopt;
    return std::get<Index>(std::move(first));
  }
}

// What the task returns, if it has ended before `end` has; nothing otherwise, and it is given up.
template <class T>
Task<MaybeValue<T>> Before(Task<> end, Task<T> task) {
  co_return ValueIfFirst<T, 0>(co_await Any(std::move(task), std::move(end)));
}

}  // namespace belfry
