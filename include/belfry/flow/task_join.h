// Waiting for several tasks.
//
// Users need nothing from this header.
#pragma once

#include <coroutine>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "belfry/flow/task.h"

namespace belfry {

// What a task of T brings, as a value.
template <class T>
using TaskValue = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
TaskValue<T> TakeValue(Task<T>& task) {
  if constexpr (std::is_void_v<T>) {
    task.Take();
    return {};
  } else {
    return task.Take();
  }
}

// Who waits for several tasks. `needed`: so many must end before it goes on, or one must throw.
class TaskJoin : private TaskParent {
 public:
  explicit TaskJoin(std::size_t needed) : needed_(needed) {}
  TaskJoin(const TaskJoin&) = delete;
  TaskJoin& operator=(const TaskJoin&) = delete;

  bool await_ready() const { return needed_ == 0; }

 protected:
  ~TaskJoin() = default;

  // Calls `begin_next`, which begins a task with Begin, while it says that there is one more and
  // the end is still to come. Whether to suspend.
  template <class BeginNext>
  bool BeginAll(std::coroutine_handle<> awaiting, BeginNext begin_next) {
    awaiting_ = awaiting;
    beginning_ = true;
    while (!over_ && begin_next()) {
    }
    beginning_ = false;
    return !over_;
  }
  template <class T>
  void Begin(TaskRun& run, Task<T>& task) {
    task.Begin(run, this).resume();
  }
  // Gives it up, if it has not ended.
  template <class T>
  static void GiveUp(Task<T>& task) {
    if (!task.ended()) task.Destroy();
  }

 private:
  std::coroutine_handle<> Ended(bool threw) noexcept override {
    if (needed_ > 0) --needed_;
    const bool now = !over_ && (threw || needed_ == 0);
    over_ = over_ || now;
    return now && !beginning_ ? awaiting_ : std::noop_coroutine();
  }

  std::size_t needed_;
  bool over_ = false;
  bool beginning_ = false;
  std::coroutine_handle<> awaiting_;
};

// Of so many.
template <class... T>
class TaskTupleJoin : public TaskJoin {
 public:
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

 protected:
  explicit TaskTupleJoin(std::size_t needed, Task<T>... tasks)
      : TaskJoin(needed), tasks_(std::move(tasks)...) {}
  ~TaskTupleJoin() = default;

  std::tuple<Task<T>...> tasks_;
};

}  // namespace belfry
