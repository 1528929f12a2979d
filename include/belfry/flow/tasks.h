// Tasks that no event has begun.
//
//   belfry::Tasks tasks(dispatcher);
//   belfry::Completion<absl::StatusOr<Report>> report = tasks.Start(MakeReport());
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"

#include "belfry/completion.h"
#include "belfry/dispatcher.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/flow/task.h"
#include "belfry/site.h"

namespace belfry {

// How a task may end for who started it.
template <class T>
using TaskResult =
    std::conditional_t<std::is_void_v<T> || std::is_same_v<T, absl::Status>, absl::Status,
                       absl::StatusOr<std::conditional_t<std::is_void_v<T>, std::monostate, T>>>;

// What begins one: an event like any other, so its task is a delivery, counted, watched and waited
// for like any other.
struct TaskStarted {
  const void* by = nullptr;
  std::shared_ptr<std::function<Task<>()>> begin{};
};
BELFRY_EVENT_NAME(TaskStarted, "belfry.task_started", 1);

struct TasksOptions {
  std::string name = "tasks";        // of the listener that they are deliveries of
  unsigned at_once_max = 1'000'000;  // others wait until one of these has ended
  Executor* executor = nullptr;      // null: the dispatcher's
};

// Starts tasks. Its end gives up those that have not ended, as a Reset does.
//
// Thread safety: any thread. Lifetime: ends before what its tasks refer to.
class BELFRY_EXPORT Tasks {
 public:
  explicit Tasks(Dispatcher& dispatcher, TasksOptions options = {}, Site site = Site::Here());

  // Begins the task soon, on the executor, with the current cause. The completion says what it has
  // returned; UNKNOWN and what it has thrown, which is a failure of the listener, too; CANCELLED
  // when it was given up; or why it could not be started.
  // Errors: throws std::bad_alloc, with nothing started.
  template <class T>
  Completion<TaskResult<T>> Start(Task<T> task) {
    Completion<TaskResult<T>> result;
    const absl::Status started = Begin([held = std::make_shared<Task<T>>(std::move(task)), result] {
      return Finishing(std::move(*held), result);
    });
    if (!started.ok()) result.Finish(started);
    return result;
  }

 private:
  absl::Status Begin(std::function<Task<>()> begin);

  // Tells how the task has ended, however that is.
  template <class T>
  static Task<> Finishing(Task<T> task, Completion<TaskResult<T>> result) {
    struct AtEnd {
      ~AtEnd() { result.Finish(absl::CancelledError("the task was given up")); }
      const Completion<TaskResult<T>>& result;
    } at_end{result};
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        result.Finish(absl::OkStatus());
      } else {
        result.Finish(co_await std::move(task));
      }
    } catch (const std::exception& error) {
      result.Finish(absl::UnknownError(error.what()));
      throw;
    } catch (...) {
      result.Finish(absl::UnknownError("an exception that is not a std::exception"));
      throw;
    }
  }

  const Publisher publisher_;
  const Subscription subscription_;
};

}  // namespace belfry
