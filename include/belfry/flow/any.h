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
#include <utility>
#include <variant>

#include "belfry/flow/task.h"
#include "belfry/flow/task_join.h"

namespace belfry {

template <class... T>
class AnyAwaiter final : public TaskJoin {
 public:
  explicit AnyAwaiter(Task<T>... tasks) : TaskJoin(1), tasks_(std::move(tasks)...) {}

  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    TaskRun& run = awaiting.promise().run();
    return std::apply(
        [&](Task<T>&... tasks) {
          std::size_t next = 0;
          return BeginAll(awaiting, [&] {
            std::size_t index = 0;
            ((index++ == next ? Begin(run, tasks) : void()), ...);
            return ++next < sizeof...(T);
          });
        },
        tasks_);
  }
  std::variant<TaskValue<T>...> await_resume() {
    std::optional<std::variant<TaskValue<T>...>> first;
    TakeFirst(first, std::index_sequence_for<T...>());
    return *std::move(first);
  }

 private:
  template <class First, std::size_t... I>
  void TakeFirst(First& first, std::index_sequence<I...>) {
    bool ended = false;
    (Finish(std::get<I>(tasks_), ended), ...);
    ((std::get<I>(tasks_).valid() && !first.has_value()
          ? void(first.emplace(std::in_place_index<I>, TakeValue(std::get<I>(tasks_))))
          : void()),
     ...);
  }

  std::tuple<Task<T>...> tasks_;
};

// Goes on when the first has ended, with what that returns or throws; the others are given up. The
// variant's index says which one it was.
template <class... T>
requires(sizeof...(T) > 0) TaskAwaitable<AnyAwaiter<T...>, Task<T>...> Any(Task<T>... tasks) {
  return TaskAwaitable<AnyAwaiter<T...>, Task<T>...>(std::move(tasks)...);
}

}  // namespace belfry
