// How a task awaits tasks and completions.
//
// Users need nothing from this header.
#pragma once

#include <coroutine>
#include <string_view>
#include <utility>

#include "belfry/completion.h"
#include "belfry/flow/task_promise.h"
#include "belfry/flow/task_wait.h"
#include "belfry/site.h"

namespace belfry {

// --- co_await task ---

template <class T>
class TaskAwaiter final : private TaskParent {
 public:
  explicit TaskAwaiter(Task<T> task) : task_(std::move(task)) {}
  TaskAwaiter(const TaskAwaiter&) = delete;
  TaskAwaiter& operator=(const TaskAwaiter&) = delete;

  bool await_ready() const { return false; }
  // It is called, not gone over to: compilers that do not optimise keep a stack frame for each time
  // that one coroutine goes over to another, so a loop would take ever more of the stack.
  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    awaiting_ = awaiting;
    beginning_ = true;
    task_.Begin(awaiting.promise().run(), this).resume();
    beginning_ = false;
    return !task_.ended();
  }
  T await_resume() { return task_.Take(); }

 private:
  std::coroutine_handle<> Ended(bool /*threw*/) noexcept override {
    return beginning_ ? std::noop_coroutine() : awaiting_;
  }

  Task<T> task_;
  std::coroutine_handle<> awaiting_;
  bool beginning_ = false;
};

template <class T>
TaskAwaiter<T> TaskPromiseBase::await_transform(Task<T> task) {
  return TaskAwaiter<T>(std::move(task));
}

// --- co_await completion ---

template <class T>
class CompletionWait final : private TaskWait, private CompletionWaiter {
 public:
  // `what` stays.
  CompletionWait(Completion<T> completion, Site site, std::string_view what = "a completion")
      : TaskWait(site), completion_(std::move(completion)), what_(what) {}
  ~CompletionWait() {
    if (run() != nullptr) completion_.state().Remove(*this);
    End();
  }

  bool await_ready() const { return completion_.finished(); }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    Begin(awaiting.promise().run(), awaiting);
    return completion_.state().Add(*this);
  }
  // A copy: others may have the completion, too.
  T await_resume() const { return completion_.value(); }

 private:
  Waker Finished() override { return Ready(); }
  void WaitsFor(WaitText& text) const override { text << what_; }

  const Completion<T> completion_;
  const std::string_view what_;
};

template <class T>
CompletionWait<T> TaskPromiseBase::await_transform(Completion<T> completion, Site site) {
  return CompletionWait<T>(std::move(completion), site);
}

}  // namespace belfry
