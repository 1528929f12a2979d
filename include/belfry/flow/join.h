// Several tasks at once.
//
//   auto [user, project] = co_await belfry::All(FindUser(id), FindProject(id));
//   const std::variant<Quote, Quote> first = co_await belfry::Any(Ask("north"), Ask("south"));
//   const std::optional<Quote> in_time = co_await belfry::Timeout(2s, Ask("east"));
//   co_await belfry::ForEach(addresses, 8, [&](const Address& a) { return Deliver(a); });
//
// They belong to the awaiting task: they begin at once, in their order, go on one at a time where it
// does, and none is left when it goes on. What is given up is destroyed where it waits.
#pragma once

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <iterator>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "belfry/flow/sleep.h"
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
  // Gives up what has not ended.
  template <class T>
  static void Finish(Task<T>& task, bool& ended) {
    ended = task.ended();
    if (!ended) task.Destroy();
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

template <class... T>
class AllAwaiter final : public TaskJoin {
 public:
  explicit AllAwaiter(Task<T>... tasks) : TaskJoin(sizeof...(T)), tasks_(std::move(tasks)...) {}

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
  std::tuple<TaskValue<T>...> await_resume() {
    return std::apply(
        [](Task<T>&... tasks) {
          bool all = true;
          bool ended = false;
          ((Finish(tasks, ended), all = all && ended), ...);
          if (!all) ((tasks.valid() && tasks.ended() ? void(TakeValue(tasks)) : void()), ...);
          return std::tuple<TaskValue<T>...>{TakeValue(tasks)...};
        },
        tasks_);
  }

 private:
  std::tuple<Task<T>...> tasks_;
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
    bool all = true;
    for (Task<T>& task : tasks_) {
      bool ended = false;
      Finish(task, ended);
      all = all && ended;
    }
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

inline Task<> SleepFor(Nanoseconds duration, Site site = Site::Here()) {
  co_await Sleep(duration, site);
}

// What the task returns, if it has ended in time; nothing otherwise, and it is given up. Of one that
// returns nothing, whether it has.
template <class T>
Task<std::conditional_t<std::is_void_v<T>, bool, std::optional<TaskValue<T>>>> Timeout(
    Nanoseconds limit, Task<T> task, Site site = Site::Here()) {
  auto first = co_await Any(std::move(task), SleepFor(limit, site));
  if constexpr (std::is_void_v<T>) {
    co_return first.index() == 0;
  } else {
    if (first.index() != 0) co_return std::nullopt;
    co_return std::get<0>(std::move(first));
  }
}

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
