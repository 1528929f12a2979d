// std::thread as a thread of an exploration's run. Part of sync/sync.h.
#pragma once

#include <functional>
#include <thread>
#include <type_traits>
#include <utility>

#include "explore/op.h"
#include "explore/run.h"

namespace belfry::sync {
inline namespace explored {

// Started by a thread of a run it belongs to that run, which then does not end before it has.
class Thread {
  using Where = explore::Where;
  using Run = explore::Run;

 public:
  using id = std::thread::id;

  Thread() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Thread>) explicit Thread(
      F&& work, Where where = Where::Here()) {
    Run* const run = Run::Current();
    if (run == nullptr) {
      thread_ = std::thread(std::forward<F>(work));
      return;
    }
    of_run_ = &run->NewThread(where);
    thread_ = std::thread([of_run = of_run_, work = std::forward<F>(work)]() mutable {
      of_run->run.Live(*of_run, std::ref(work));
    });
    of_run_->to_join = thread_.native_handle();
  }

  bool joinable() const { return thread_.joinable(); }
  id get_id() const { return thread_.get_id(); }
  static unsigned hardware_concurrency() { return 2; }
  void join(Where where = Where::Here()) {
    if (Run* const run = Run::Current(); run != nullptr) run->Join({of_run_}, where);
    thread_.join();
  }

 private:
  std::thread thread_;
  explore::ThreadOfRun* of_run_ = nullptr;
};

}  // namespace explored
}  // namespace belfry::sync
