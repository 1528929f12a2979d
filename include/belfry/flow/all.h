// Several tasks at once, and all that they bring.
//
//   auto [user, project] = co_await belfry::All(FindUser(id), FindProject(id));
//
// They belong to the awaiting task: they begin at once, in their order, and go on one at a time
// where it does. What is given up is destroyed where it waits.
#pragma once

#include <coroutine>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "belfry/flow/task.h"
#include "belfry/flow/task_join.h"

namespace belfry {

template <class... T>
class AllAwaiter final : public TaskTupleJoin<T...> {
 public:
  explicit AllAwaiter(Task<T>... tasks) : TaskTupleJoin<T...>(sizeof...(T), std::move(tasks)...) {}

  std::tuple<TaskValue<T>...> await_resume() {
    return std::apply(
        [](Task<T>&... tasks) {
          (TaskJoin::GiveUp(tasks), ...);
          // If one is missing, another one throws here what it has thrown.
          const bool all = (tasks.valid() && ...);
          if (!all) ((tasks.valid() ? void(TakeValue(tasks)) : void()), ...);
          return std::tuple<TaskValue<T>...>{TakeValue(tasks)...};
        },
        this->tasks_);
  }
};

// Goes on when all have ended, with what they return; or as soon as one throws, with that, and the
// others are given up.
template <class... T>
TaskAwaitable<AllAwaiter<T...>, Task<T>...> All(Task<T>... tasks) {
  return TaskAwaitable<AllAwaiter<T...>, Task<T>...>(std::move(tasks)...);
}

template <class T>
class AllOfAwaiter final : public TaskJoin {
 public:
  explicit AllOfAwaiter(std::vector<Task<T>> tasks)
      : TaskJoin(tasks.size()), tasks_(std::move(tasks)) {}

  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    TaskRun& run = awaiting.promise().run();
    auto next = tasks_.begin();
    return BeginAll(awaiting, [&] {
      Begin(run, *next++);
      return next != tasks_.end();
    });
  }
  auto await_resume() {
    for (Task<T>& task : tasks_) GiveUp(task);
    if constexpr (std::is_void_v<T>) {
      for (Task<T>& task : tasks_) {
        if (task.valid()) task.Take();
      }
    } else {
      std::vector<T> values;
      values.reserve(tasks_.size());
      for (Task<T>& task : tasks_) {
        if (task.valid()) values.push_back(task.Take());
      }
      return values;
    }
  }

 private:
  std::vector<Task<T>> tasks_;
};

template <class T>
TaskAwaitable<AllOfAwaiter<T>, std::vector<Task<T>>> All(std::vector<Task<T>> tasks) {
  return TaskAwaitable<AllOfAwaiter<T>, std::vector<Task<T>>>(std::move(tasks));
}

}  // namespace belfry
