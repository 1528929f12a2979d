// The inside of a task's coroutine.
//
// Users need nothing from this header.
#pragma once

#include <cxxabi.h>

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>

#include "belfry/completion.h"
#include "belfry/site.h"

namespace belfry {

class TaskRun;
template <class T>
class Task;
template <class T>
class TaskAwaiter;
template <class T>
class CompletionWait;

// Whoever awaits a task.
class TaskParent {
 public:
  // It has ended; what to resume now. Its frame stays until its parent destroys it.
  virtual std::coroutine_handle<> Ended(bool threw) noexcept = 0;

 protected:
  ~TaskParent() = default;
};

// What a task may await besides tasks and completions: the library's own, which goes on where the
// task belongs. `Awaiter`: made of `Part`s where it is awaited, and stays there.
template <class Awaiter, class... Part>
class TaskAwaitable {
 public:
  explicit TaskAwaitable(Part... parts) : parts_(std::move(parts)...) {}
  Awaiter operator co_await() && { return std::make_from_tuple<Awaiter>(std::move(parts_)); }

 private:
  std::tuple<Part...> parts_;
};

class TaskPromiseBase {
 public:
  class Final {
   public:
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> ended) const noexcept {
      const TaskPromiseBase& promise = ended.promise();
      if (promise.parent_ == nullptr) return std::noop_coroutine();
      return promise.parent_->Ended(promise.thrown_ != nullptr);
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  // A forced unwinding (pthread_cancel) is no error and passes.
  void unhandled_exception() {
    try {
      throw;
    } catch (const abi::__forced_unwind&) {
      throw;
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }

  template <class T>
  TaskAwaiter<T> await_transform(Task<T> task);
  template <class T>
  CompletionWait<T> await_transform(Completion<T> completion, Site site = Site::Here());
  template <class... A>
  TaskAwaitable<A...> await_transform(TaskAwaitable<A...> awaitable) {
    return awaitable;
  }

  void Begin(TaskRun& run, TaskParent* parent) {
    run_ = &run;
    parent_ = parent;
  }
  bool begun() const { return run_ != nullptr; }
  TaskRun& run() const { return *run_; }

 protected:
  void Rethrow() {
    if (thrown_ != nullptr) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

 private:
  TaskRun* run_ = nullptr;
  TaskParent* parent_ = nullptr;
  std::exception_ptr thrown_;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  template <class U>
  requires std::constructible_from<T, U>
  void return_value(U&& value) { value_.emplace(std::forward<U>(value)); }

  T Take() {
    Rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  void return_void() const noexcept {}
  void Take() { Rethrow(); }
};

}  // namespace belfry
