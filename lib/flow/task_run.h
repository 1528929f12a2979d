// One task that nobody awaits, and all that it waits for.
#pragma once

#include <coroutine>
#include <string>

#include "belfry/flow/task_wait.h"
#include "sync/sync.h"

namespace belfry {

class DispatcherCore;

// Its coroutines are resumed one at a time, in the order in which what they wait for became ready.
//
// Thread safety: one thread at a time, but for what a wait does in Ready.
class TaskRun {
 public:
  TaskRun() = default;
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  // Of the delivery that it is; from the first GoOn on.
  DispatcherCore& core() const { return *core_; }

  void GoOn(std::coroutine_handle<> root, const Waker& waker);
  void WaitsFor(WaitText& text) const;

  // --- A wait's ---
  void Add(TaskWait& wait);
  void Yield(TaskWait& wait);  // it is over when others have had their turn
  Waker Ready(TaskWait& wait);
  void Remove(TaskWait& wait);

 private:
  using Phase = TaskWait::Phase;
  struct List {
    TaskWait* first = nullptr;
    TaskWait* last = nullptr;
    void PushBack(TaskWait& wait);
    void Remove(TaskWait& wait);
  };

  std::coroutine_handle<> Start(std::coroutine_handle<> root, const Waker& waker);
  std::coroutine_handle<> PopReady();
  std::coroutine_handle<> PopReadyLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  DispatcherCore* core_ = nullptr;
  mutable sync::Mutex mutex_;
  Waker waker_ ABSL_GUARDED_BY(mutex_);
  List waiting_ ABSL_GUARDED_BY(mutex_);
  List ready_ ABSL_GUARDED_BY(mutex_);
  List yielded_ ABSL_GUARDED_BY(mutex_);  // ready in the next round
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
