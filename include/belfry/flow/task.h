// Coroutines as listeners: a story with several steps, written from top to bottom.
//
//   auto welcome = dispatcher.Subscribe(
//       [&](const UserStored& user, belfry::Context& context) -> belfry::Task<> {
//         const belfry::FileContent text = co_await files.Read("welcome.txt");
//         co_await belfry::Sleep(1s);
//         context.dispatcher().Publish(MailWanted{user.email, text.data});
//       });
//
// The delivery lasts until the coroutine has ended. All that it awaits goes on on the listener's
// executor, one thing at a time, with the event as its cause.
#pragma once

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "belfry/check.h"
#include "belfry/completion.h"
#include "belfry/export.h"
#include "belfry/failure.h"
#include "belfry/flow/task_promise.h"
#include "belfry/flow/task_wait.h"
#include "belfry/listener_body.h"
#include "belfry/site.h"
#include "belfry/suspended_delivery.h"

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
// Errors: what it throws, or an error that it returns, is the listener's failure, and is tried again
// as a Retry says, from the start. One that waits inside of a CauseScope or an AmbientScope of its
// own is a bug (aborts).
// Thread safety: a value; awaited once.
template <class T = void>
class [[nodiscard]] Task {
 public:
  class promise_type : public TaskPromise<T> {
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

// --- co_await task ---

template <class T>
class TaskAwaiter final : private TaskParent {
 public:
  explicit TaskAwaiter(Task<T> task) : task_(std::move(task)) {}
  TaskAwaiter(const TaskAwaiter&) = delete;
  TaskAwaiter& operator=(const TaskAwaiter&) = delete;

  bool await_ready() const { return false; }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> awaiting) {
    awaiting_ = awaiting;
    return task_.Begin(awaiting.promise().run(), this);
  }
  T await_resume() { return task_.Take(); }

 private:
  std::coroutine_handle<> Ended(bool /*threw*/) noexcept override { return awaiting_; }

  Task<T> task_;
  std::coroutine_handle<> awaiting_;
};

template <class T>
TaskAwaiter<T> TaskPromiseBase::await_transform(Task<T> task) {
  return TaskAwaiter<T>(std::move(task));
}

// --- co_await completion ---

template <class T>
class CompletionWait final : private TaskWait, private CompletionWaiter {
 public:
  CompletionWait(Completion<T> completion, Site site)
      : TaskWait(site), completion_(std::move(completion)) {}
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
  std::string WaitsFor() const override { return "a completion"; }

  const Completion<T> completion_;
};

template <class T>
CompletionWait<T> TaskPromiseBase::await_transform(Completion<T> completion, Site site) {
  return CompletionWait<T>(std::move(completion), site);
}

// --- A task as a delivery ---

// Resumes one task that nobody awaits, and all that it waits for.
class BELFRY_EXPORT TaskRunner {
 public:
  TaskRunner();
  ~TaskRunner();
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;

  // Inside a delivery. `root`: to be resumed first; null: only what has become ready.
  void GoOn(std::coroutine_handle<> root, const Waker& waker);
  TaskRun& run() { return *run_; }
  std::string WaitsFor() const;

 private:
  const std::unique_ptr<TaskRun> run_;
};

template <class T>
class TaskDelivery final : public SuspendedDelivery {
 public:
  explicit TaskDelivery(Task<T> task) : task_(std::move(task)) {}

  std::optional<Failure> GoOn(const Waker& waker) override {
    runner_.GoOn(std::exchange(begun_, true) ? nullptr : task_.Begin(runner_.run(), nullptr),
                 waker);
    if (!task_.ended()) return std::nullopt;
    if constexpr (std::is_void_v<T>) {
      task_.Take();
      return Failure();
    } else if constexpr (std::is_same_v<T, absl::Status>) {
      return FailureOf(task_.Take());
    } else {
      auto returned = task_.Take();
      return PublishReturned(returned);
    }
  }
  std::string WaitsFor() const override { return runner_.WaitsFor(); }

 private:
  TaskRunner runner_;
  Task<T> task_;  // goes first: what it waits for is the runner's
  bool begun_ = false;
};

template <class T>
struct Suspendable<Task<T>> {
  static std::unique_ptr<SuspendedDelivery> Of(Task<T> task) {
    return std::make_unique<TaskDelivery<T>>(std::move(task));
  }
};

}  // namespace belfry
