#include "belfry/manual_executor.h"

#include "belfry/check.h"
#include "sync/sync.h"

namespace belfry {

class ManualExecutor::Impl {
 public:
  void Post(Runnable& work) {
    const sync::Lock lock(mutex_);
    queue_.Push(work);
  }

  bool RunOne(ManualExecutor& executor) {
    Runnable* const work = Take();
    if (work == nullptr) return false;
    const Running running(*this);
    const ExecutorScope scope(executor);
    work->Run();
    return true;
  }

 private:
  // Holds the right to run, and gives it back even if the work unwinds.
  class Running {
   public:
    explicit Running(Impl& impl) : impl_(impl) {}
    ~Running() {
      const sync::Lock lock(impl_.mutex_);
      impl_.running_ = false;
    }

   private:
    Impl& impl_;
  };

  Runnable* Take() {
    const sync::Lock lock(mutex_);
    BELFRY_CHECK(!running_, "a manual executor was run on two threads at once, or inside its work");
    Runnable* const work = queue_.Pop();
    running_ = work != nullptr;
    return work;
  }

  sync::Mutex mutex_;
  RunnableQueue queue_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
};

ManualExecutor::ManualExecutor() : impl_(std::make_unique<Impl>()) {}
ManualExecutor::~ManualExecutor() { RunUntilIdle(); }

void ManualExecutor::Post(Runnable& work) { impl_->Post(work); }
bool ManualExecutor::RunOne() { return impl_->RunOne(*this); }

std::size_t ManualExecutor::RunUntilIdle() {
  std::size_t ran = 0;
  while (RunOne()) ++ran;
  return ran;
}

}  // namespace belfry
