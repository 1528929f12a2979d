// Awaiting a completion in a coroutine of whatever kind.
//
//   const int value = co_await answer;   // answer is a belfry::Completion<int>
#pragma once

#include <coroutine>

#include "belfry/completion.h"

namespace belfry {

// Resumes the coroutine on the thread that finishes the completion, or does not suspend it when it
// is finished already.
//
// Lifetime: the coroutine must not be destroyed while it is suspended here.
template <class T>
class CompletionAwaiter {
 public:
  explicit CompletionAwaiter(Completion<T> completion) : completion_(std::move(completion)) {}

  bool await_ready() const { return completion_.finished(); }
  void await_suspend(std::coroutine_handle<> waiting) const {
    // A copy: once it is finished the coroutine may go on, and this object end, at any time.
    const Completion<T> completion = completion_;
    completion.Then([waiting](const T& /*value*/) { waiting.resume(); });
  }
  // A copy: nobody may keep the completion after this.
  T await_resume() const { return completion_.value(); }

 private:
  const Completion<T> completion_;
};

template <class T>
CompletionAwaiter<T> operator co_await(Completion<T> completion) {
  return CompletionAwaiter<T>(std::move(completion));
}

}  // namespace belfry
