// A task as a listener's delivery.
//
// Users need nothing from this header.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "belfry/export.h"
#include "belfry/failure.h"
#include "belfry/listener_body.h"
#include "belfry/suspended_delivery.h"

namespace belfry {

class TaskRun;
template <class T>
class Task;

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
  void WaitsFor(WaitText& text) const;

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
    } else if constexpr (std::is_same_v<T, Failure>) {
      return task_.Take();
    } else if constexpr (std::is_same_v<T, absl::Status>) {
      return FailureOf(task_.Take());
    } else {
      auto returned = task_.Take();
      return PublishReturned(returned);
    }
  }
  void WaitsFor(WaitText& text) const override { runner_.WaitsFor(text); }

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
