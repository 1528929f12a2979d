// Tasks that wait for time, or for their turn.
//
//   co_await belfry::Sleep(std::chrono::seconds(1));
//   co_await belfry::Yield();  // whatever else the executor has comes first
#pragma once

#include <coroutine>
#include <memory>

#include "belfry/clock.h"
#include "belfry/export.h"
#include "belfry/flow/task_promise.h"
#include "belfry/flow/task_wait.h"
#include "belfry/site.h"

namespace belfry {

class BELFRY_EXPORT SleepWait final : private TaskWait {
 public:
  SleepWait(Nanoseconds duration, Site site) : TaskWait(site), duration_(duration) {}
  ~SleepWait();

  bool await_ready() const { return duration_ <= Nanoseconds::zero(); }
  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) {
    Start(awaiting.promise().run(), awaiting);
  }
  void await_resume() const {}

 private:
  class Alarm;
  void Start(TaskRun& run, std::coroutine_handle<> awaiting);
  void WaitsFor(WaitText& text) const override;

  const Nanoseconds duration_;
  std::shared_ptr<Alarm> alarm_;
};

// Waits for so long, by the dispatcher's timers; not at all when that is not above zero.
// Errors: awaiting it throws std::bad_alloc, std::system_error where the timers cannot start, and
// std::logic_error where there are none.
inline TaskAwaitable<SleepWait, Nanoseconds, Site> Sleep(Nanoseconds duration,
                                                         Site site = Site::Here()) {
  return TaskAwaitable<SleepWait, Nanoseconds, Site>(duration, site);
}

class BELFRY_EXPORT YieldWait final : private TaskWait {
 public:
  explicit YieldWait(Site site) : TaskWait(site) {}
  ~YieldWait() { End(); }

  bool await_ready() const { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) {
    Start(awaiting.promise().run(), awaiting);
  }
  void await_resume() const {}

 private:
  void Start(TaskRun& run, std::coroutine_handle<> awaiting);
  void WaitsFor(WaitText& text) const override { text << "its turn"; }
};

// Lets all others have their turn that the executor has already.
inline TaskAwaitable<YieldWait, Site> Yield(Site site = Site::Here()) {
  return TaskAwaitable<YieldWait, Site>(site);
}

}  // namespace belfry
