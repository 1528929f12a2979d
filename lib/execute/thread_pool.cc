#include "belfry/thread_pool.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "belfry/check.h"
#include "sync/spin.h"
#include "sync/sync.h"
#include "sys/threads.h"

namespace belfry {
namespace {

// Of work that expects more to come: what it costs to be posted again.
constexpr Nanoseconds kPatience{std::chrono::microseconds(5)};

unsigned ThreadCount(const ThreadPoolOptions& options) {
  if (options.threads != 0) return options.threads;
  return std::max(2U, sync::Thread::hardware_concurrency());
}

}  // namespace

class ThreadPool::Impl {
 public:
  Impl(ThreadPool& pool, ThreadPoolOptions options)
      : pool_(pool),
        options_(std::move(options)),
        thread_count_(ThreadCount(options_)),
        spares_(options_.spare_max) {}

  void Start() {
    threads_.reserve(thread_count_);
    try {
      for (unsigned i = 0; i < thread_count_; ++i) {
        threads_.push_back(sys::StartThread(options_.name, [this] { Work(); }));
      }
    } catch (...) {
      Join();
      throw;
    }
  }

  // Spare threads stay until the others are done: these may still come to wait for each other.
  void Join() {
    BELFRY_CHECK(Executor::Current() != &pool_,
                 "a thread pool was destroyed on one of its threads");
    {
      const sync::Lock lock(mutex_);
      stopping_.store(true, std::memory_order_relaxed);
      ready_.NotifyAll();
    }
    for (sync::Thread& thread : threads_) thread.join();
    {
      const sync::Lock lock(mutex_);
      spares_stopping_ = true;
      spare_ready_.NotifyAll();
    }
    for (Spare& spare : spares_) {
      if (spare.thread.joinable()) spare.thread.join();
    }
  }

  void Post(Runnable& work) {
    Spare* to_start = nullptr;
    {
      const sync::Lock lock(mutex_);
      queue_.Push(work);
      waiting_.store(waiting_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      if (idle_ > 0) {
        ready_.NotifyOne();
      } else {
        to_start = WakeSpare();
      }
    }
    if (to_start != nullptr) StartSpare(*to_start);
  }

  void BlockingBegins() {
    Spare* to_start = nullptr;
    {
      const sync::Lock lock(mutex_);
      ++blocked_;
      to_start = WakeSpare();
    }
    if (to_start != nullptr) StartSpare(*to_start);
  }

  void BlockingEnds() {
    const sync::Lock lock(mutex_);
    --blocked_;
  }

  std::shared_ptr<void> OnSpareThread(std::function<void(unsigned)> told) {
    auto observer = std::make_shared<Observer>(Observer{std::move(told)});
    const sync::Lock lock(observers_mutex_);
    std::erase_if(observers_, [](const auto& gone) { return gone.expired(); });
    observers_.push_back(observer);
    return observer;
  }

  unsigned threads() const { return thread_count_; }
  Nanoseconds patience() const {
    if (waiting_.load(std::memory_order_relaxed) != 0 || stopping()) return {};
    return std::max(options_.spin, kPatience);
  }

 private:
  struct Observer {
    std::function<void(unsigned)> told;
  };

  struct Spare {
    sync::Thread thread;
    bool started = false;
  };

  // A piece of work that runs: counted, since it may post more, so that no thread leaves before.
  class Running {
   public:
    explicit Running(Impl& impl) : impl_(impl) {}
    ~Running() {
      const sync::Lock lock(impl_.mutex_);
      if (--impl_.running_ == 0 && impl_.stopping()) impl_.ready_.NotifyAll();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Impl& impl_;
  };

  void Run(Runnable& work) {
    const Running running(*this);
    work.Run();
  }

  void Work() {
    const ExecutorScope scope(pool_);
    while (Runnable* const work = Next()) Run(*work);
  }

  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  // Looks for work without the mutex, until there is some, or for as long as was asked for.
  void Spin() const {
    if (options_.spin <= Nanoseconds::zero()) return;
    sync::SpinFor(options_.spin,
                  [this] { return waiting_.load(std::memory_order_relaxed) != 0 || stopping(); });
  }

  Runnable* Next() {
    Spin();
    const sync::Lock lock(mutex_);
    while (queue_.empty() && !(stopping() && running_ == 0)) {
      ++idle_;
      ready_.Wait(mutex_);
      --idle_;
    }
    return Take();
  }

  Runnable* Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Runnable* const work = queue_.Pop();
    if (work == nullptr) return nullptr;
    ++running_;
    waiting_.store(waiting_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return work;
  }

  // Whether work is ready while all the threads that could run it wait, `running_spares` spare ones
  // among them.
  bool SpareNeeded(unsigned running_spares) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !queue_.empty() && blocked_ >= thread_count_ + running_spares;
  }

  // Wakes a spare thread if one is needed. Returns one that the caller must start, outside the
  // lock, if all that were started are busy.
  Spare* WakeSpare() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!SpareNeeded(running_spares_)) return nullptr;
    spare_ready_.NotifyOne();
    unsigned started = 0;
    for (Spare& spare : spares_) {
      if (!spare.started && started == running_spares_) {
        spare.started = true;
        return &spare;
      }
      if (spare.started) ++started;
    }
    return nullptr;
  }

  void StartSpare(Spare& spare) {
    try {
      spare.thread = sys::StartThread(options_.name + ".spare", [this] { WorkAsSpare(); });
    } catch (const std::exception&) {
      // The system has no thread left, or no memory. The work stays queued: whoever waits may stop
      // waiting, and the next need tries again.
      const sync::Lock lock(mutex_);
      spare.started = false;
    }
  }

  void WorkAsSpare() {
    const ExecutorScope scope(pool_);
    while (const unsigned running = AwaitNeed()) {
      Tell(running);
      while (Runnable* const work = NextAsSpare()) Run(*work);
    }
  }

  // The number of spare threads that run, this one included; 0 at the end.
  unsigned AwaitNeed() {
    const sync::Lock lock(mutex_);
    while (!SpareNeeded(running_spares_)) {
      if (spares_stopping_) return 0;
      spare_ready_.Wait(mutex_);
    }
    return ++running_spares_;
  }

  Runnable* NextAsSpare() {
    const sync::Lock lock(mutex_);
    if (SpareNeeded(running_spares_ - 1)) return Take();
    --running_spares_;
    return nullptr;
  }

  // Without memory nobody is told.
  void Tell(unsigned running) {
    std::vector<std::weak_ptr<Observer>> observers;
    try {
      const sync::Lock lock(observers_mutex_);
      observers = observers_;
    } catch (const std::bad_alloc&) {
      return;
    }
    for (const std::weak_ptr<Observer>& weak : observers) {
      if (const auto observer = weak.lock()) observer->told(running);
    }
  }

  ThreadPool& pool_;
  const ThreadPoolOptions options_;
  const unsigned thread_count_;
  std::vector<sync::Thread> threads_;  // of Start and Join

  sync::Mutex mutex_;
  sync::Condition ready_;
  sync::Condition spare_ready_;
  RunnableQueue queue_ ABSL_GUARDED_BY(mutex_);
  sync::Atomic<std::uint64_t> waiting_{0};  // in the queue; for a look without the mutex
  unsigned idle_ ABSL_GUARDED_BY(mutex_) = 0;
  unsigned blocked_ ABSL_GUARDED_BY(mutex_) = 0;
  unsigned running_ ABSL_GUARDED_BY(mutex_) = 0;  // pieces of work, on whatever thread
  unsigned running_spares_ ABSL_GUARDED_BY(mutex_) = 0;
  sync::Atomic<bool> stopping_{false};  // set under the mutex; for a look without it
  bool spares_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // The flags are guarded by the mutex; a thread belongs to whoever set its flag.
  std::vector<Spare> spares_;

  sync::Mutex observers_mutex_;
  std::vector<std::weak_ptr<Observer>> observers_ ABSL_GUARDED_BY(observers_mutex_);
};

ThreadPool::ThreadPool(ThreadPoolOptions options)
    : impl_(std::make_unique<Impl>(*this, std::move(options))) {
  impl_->Start();
}

ThreadPool::~ThreadPool() { impl_->Join(); }

void ThreadPool::Post(Runnable& work) { impl_->Post(work); }
void ThreadPool::BlockingBegins() { impl_->BlockingBegins(); }
void ThreadPool::BlockingEnds() { impl_->BlockingEnds(); }

std::shared_ptr<void> ThreadPool::OnSpareThread(std::function<void(unsigned)> told) {
  return impl_->OnSpareThread(std::move(told));
}

unsigned ThreadPool::threads() const { return impl_->threads(); }
Nanoseconds ThreadPool::patience() const { return impl_->patience(); }

}  // namespace belfry
