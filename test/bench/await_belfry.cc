// Belfry in the works of awaiting, and the same by plain callbacks.
#include <cstdint>
#include <functional>
#include <optional>

#include "belfry/completion.h"
#include "belfry/dispatcher.h"
#include "belfry/flow/event_stream.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/tasks.h"
#include "belfry/manual_executor.h"
#include "belfry/thread_pool.h"
#include "bench/await.h"

namespace {

using belfry::Completion;
using belfry::Dispatcher;
using belfry::ManualExecutor;
using belfry::Run;
using belfry::Task;
using bench::kAwaits;
using bench::Tick;

// --- A task that is ready ---

[[gnu::noinline]] Task<std::int64_t> One() { co_return 1; }
[[gnu::noinline]] void OneTold(const std::function<void(std::int64_t)>& told) { told(1); }

class ReadyTask {
 public:
  std::int64_t AwaitAll() {
    const auto sum = tasks_.Start(Sum());
    executor_.RunUntilIdle();
    return sum.value().value_or(0);
  }

 private:
  static Task<std::int64_t> Sum() {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < kAwaits; ++i) sum += co_await One();
    co_return sum;
  }

  ManualExecutor executor_;
  Dispatcher dispatcher_{{.executor = &executor_}};
  belfry::Tasks tasks_{dispatcher_};
};

class ReadyCallback {
 public:
  std::int64_t AwaitAll() {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < kAwaits; ++i) {
      OneTold([&sum](std::int64_t one) { sum += one; });
    }
    return sum;
  }
};

// --- A turn of a pool of one thread ---

class HoppingTask {
 public:
  std::int64_t AwaitAll() { return tasks_.Start(Hop()).Wait().value_or(0); }

 private:
  static Task<std::int64_t> Hop() {
    std::int64_t hops = 0;
    for (; hops < kAwaits; ++hops) co_await belfry::Yield();
    co_return hops;
  }

  Dispatcher dispatcher_{{.pool = {.threads = 1}}};
  belfry::Tasks tasks_{dispatcher_};
};

class HoppingCallback final : private belfry::Runnable {
 public:
  std::int64_t AwaitAll() {
    hops_ = 0;
    over_ = Completion<std::int64_t>();
    static_cast<belfry::Executor&>(pool_).Post(*this);
    return over_.Wait();
  }

 private:
  void Run() override {
    if (hops_ == kAwaits) {
      over_.Finish(hops_);
      return;
    }
    ++hops_;
    pool_.Post(*this);
  }

  std::int64_t hops_ = 0;
  Completion<std::int64_t> over_;
  belfry::ThreadPool pool_{{.threads = 1}};
};

// --- An event, published while it is waited for ---

class EventTask {
 public:
  EventTask() {
    tasks_.Start(Count());
    executor_.RunUntilIdle();
  }
  std::int64_t AwaitAll() {
    count_ = 0;
    for (std::int64_t i = 0; i < kAwaits; ++i) {
      dispatcher_.Publish(Tick{1});
      executor_.RunUntilIdle();
    }
    return count_;
  }

 private:
  Task<> Count() {
    while (const std::optional<Tick> tick = co_await ticks_.Next()) count_ += tick->number;
  }

  std::int64_t count_ = 0;
  ManualExecutor executor_;
  Dispatcher dispatcher_{{.executor = &executor_}};
  belfry::EventStream<Tick> ticks_{dispatcher_};
  belfry::Tasks tasks_{dispatcher_};
};

class EventCallback {
 public:
  std::int64_t AwaitAll() {
    count_ = 0;
    for (std::int64_t i = 0; i < kAwaits; ++i) {
      dispatcher_.Publish(Tick{1});
      executor_.RunUntilIdle();
    }
    return count_;
  }

 private:
  std::int64_t count_ = 0;
  ManualExecutor executor_;
  Dispatcher dispatcher_{{.executor = &executor_}};
  belfry::Subscription ticks_ =
      dispatcher_.Subscribe([this](const Tick& tick) { count_ += tick.number; });
};

[[maybe_unused]] const bool registered =
    bench::RegisterAwait<ReadyTask>("ready task", "belfry") &&
    bench::RegisterAwait<ReadyCallback>("ready task", "callback") &&
    bench::RegisterAwait<HoppingTask>("pool hop", "belfry", true) &&
    bench::RegisterAwait<HoppingCallback>("pool hop", "callback", true) &&
    bench::RegisterAwait<EventTask>("event", "belfry") &&
    bench::RegisterAwait<EventCallback>("event", "callback");

}  // namespace
