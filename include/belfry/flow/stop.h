// Tasks and stop tokens.
//
//   const std::optional<User> user = co_await belfry::UnlessStopped(token, FindUser(id));
//
// The other way round, a local of a task's that tells others when it is given up:
//
//   const belfry::StopAtEnd stop;
//   const std::string page = co_await library.Download(url, stop.token());
#pragma once

#include <coroutine>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "belfry/export.h"
#include "belfry/flow/any.h"
#include "belfry/flow/task_promise.h"
#include "belfry/flow/task_wait.h"
#include "belfry/site.h"

namespace belfry {

// A token of which a stop is requested when this ends.
class StopAtEnd {
 public:
  StopAtEnd() = default;
  ~StopAtEnd() { source_.request_stop(); }
  StopAtEnd(const StopAtEnd&) = delete;
  StopAtEnd& operator=(const StopAtEnd&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
};

class BELFRY_EXPORT StopWait final : private TaskWait {
 public:
  StopWait(std::stop_token token, Site site) : TaskWait(site), token_(std::move(token)) {}
  ~StopWait() {
    callback_.reset();  // waits for one that runs
    End();
  }

  bool await_ready() const { return token_.stop_requested(); }
  template <class P>
  void await_suspend(std::coroutine_handle<P> awaiting) {
    Begin(awaiting.promise().run(), awaiting);
    callback_.emplace(token_, Tell{*this});
  }
  void await_resume() const {}

 private:
  struct Tell {
    void operator()() const { wait.Ready().Wake(); }
    StopWait& wait;
  };
  void WaitsFor(WaitText& text) const override { text << "a stop"; }

  const std::stop_token token_;
  std::optional<std::stop_callback<Tell>> callback_;
};

// Waits until a stop is requested; for ever where none can be.
inline TaskAwaitable<StopWait, std::stop_token, Site> Stopped(std::stop_token token,
                                                              Site site = Site::Here()) {
  return TaskAwaitable<StopWait, std::stop_token, Site>(std::move(token), site);
}

inline Task<> UntilStopped(std::stop_token token, Site site = Site::Here()) {
  co_await Stopped(std::move(token), site);
}

// What the task returns; nothing once a stop is requested before it has ended, and it is given up.
// Of one that returns nothing, whether it has ended.
template <class T>
Task<MaybeValue<T>> UnlessStopped(std::stop_token token, Task<T> task, Site site = Site::Here()) {
  return Before(UntilStopped(std::move(token), site), std::move(task));
}

}  // namespace belfry
