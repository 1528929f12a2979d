// Coroutines as listeners: a story with several steps, written from top to bottom.
//
//   auto welcome = dispatcher.Subscribe(
//       [&](const UserStored& user, belfry::Context& context) -> belfry::Task<> {
//         const std::string text = co_await library.Find("welcome");  // a Completion<std::string>
//         co_await belfry::Sleep(std::chrono::seconds(1));
//         context.dispatcher().Publish(MailWanted{user.email, text});
//       });
//
// The delivery lasts until the coroutine has ended. All that it awaits goes on on the listener's
// executor, one thing at a time, with the event as its cause.
#pragma once

#include <coroutine>
#include <utility>

#include "belfry/check.h"
#include "belfry/flow/task_promise.h"

namespace belfry {

// A coroutine that returns T. It begins when it is awaited, by another one or by the delivery that
// it is; that one waits for its end, and gets what it returns or throws.
//
// What a listener returns: Task<>, Task<absl::Status>, or a task of events as in returned_events.h.
// Its parameters, `const E&` and `Context&`, and the listener's captures are there until it ends.
// In the place of the caller's: what is passed to another task by reference must outlive it, which
// it does where that is awaited at once.
//
// Ends early: Subscription::Reset, a Shutdown that discards, or a parent that has what it wants
// destroy the frame where it waits, and so, inside out, everything in it. That happens on their
// thread, never while the coroutine runs, and in a frame of the delivery. Detach lets it go on.
// Order: a suspended delivery takes its place among ListenerOptions::concurrency, by default the
// only one: the next event starts when it has ended.
// Errors: what it throws, or an error that it returns, is the listener's failure, tried again as a
// Retry says, from the start. One that waits inside of a CauseScope or an AmbientScope of its
// own is a bug (aborts).
// Thread safety: a value; awaited once.
//
// g++ 12 breaks temporaries of aggregates, and of lambdas that capture, that stand inside of a
// co_await expression and have, say, a std::string: give such a query, such options or such a
// lambda a name before.
template <class T = void>
class [[nodiscard]] Task {
 public:
  class promise_type  // NOLINT(readability-identifier-naming): so coroutines find it
      : public TaskPromise<T> {
   public:
    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  // --- The library's ---
  // Begins it, for `parent`; what to resume for that.
  std::coroutine_handle<> Begin(TaskRun& run, TaskParent* parent) {
    BELFRY_CHECK(coroutine_ && !coroutine_.promise().begun(), "a task was awaited twice, or moved");
    coroutine_.promise().Begin(run, parent);
    return coroutine_;
  }
  bool valid() const { return coroutine_ != nullptr; }
  bool ended() const { return coroutine_.done(); }
  // What it has returned. Throws what it has thrown.
  T Take() { return coroutine_.promise().Take(); }
  // Gives it up, if it waits.
  void Destroy() {
    if (coroutine_) std::exchange(coroutine_, nullptr).destroy();
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

}  // namespace belfry

#include "belfry/flow/task_awaiter.h"   // IWYU pragma: keep
#include "belfry/flow/task_delivery.h"  // IWYU pragma: keep
