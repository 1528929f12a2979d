// A dispatcher in one mode, how to wait for it, and what must hold after every test.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "dispatch/modes.h"
#include "dispatch/show_counts.h"
#include "waiting.h"

namespace belfry {

// A dispatcher in one mode, and how to wait for it. After each test nothing may be out of balance
// (D1) and neither a descriptor nor a thread may be left.
class ModeTest : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    descriptors_before_ = CountDescriptors();
    threads_before_ = CountThreads();
    Make();
  }

  void TearDown() override {
    if (dispatcher != nullptr) {
      Settle();
      ExpectBalanced();
    }
    dispatcher.reset();
    manual.reset();
    EXPECT_EQ(CountDescriptors(), descriptors_before_) << "descriptors leaked";
    EXPECT_TRUE(Eventually([&] { return CountThreads() == threads_before_; })) << "threads leaked";
  }

  Mode mode() const { return GetParam(); }
  bool threaded() const { return mode() == Mode::kPool1 || mode() == Mode::kPool4; }
  bool on_publishing_thread() const {
    return mode() == Mode::kSynchronous || mode() == Mode::kInline;
  }

  DispatcherOptions DispatcherOptionsOfMode() {
    DispatcherOptions options;
    options.synchronous = mode() == Mode::kSynchronous;
    options.pool.threads = mode() == Mode::kPool4 ? 4 : 1;
    if (std::getenv("BELFRY_SPIN") != nullptr) options.pool.spin = Nanoseconds::max();
    if (mode() == Mode::kManual) {
      manual = std::make_unique<ManualExecutor>();
      options.executor = manual.get();
    }
    options.log = [this](LogLevel, std::string_view text) {
      const std::lock_guard lock(log_mutex_);
      log_ += std::string(text) + "\n";
    };
    return options;
  }

  void Make(const std::function<void(DispatcherOptions&)>& change = [](DispatcherOptions&) {}) {
    dispatcher.reset();
    DispatcherOptions options = DispatcherOptionsOfMode();
    change(options);
    dispatcher = std::make_unique<Dispatcher>(options);
  }

  // The mode's listeners; with BELFRY_MAILBOXES in the environment those with queues get mailboxes,
  // which show no difference as long as these are not full.
  ListenerOptions Options(std::string name = "") const {
    ListenerOptions options{.name = std::move(name)};
    if (mode() == Mode::kInline) {
      options.run = Run::kInline;
    } else if (std::getenv("BELFRY_MAILBOXES") != nullptr) {
      options.queue.events_max = 1'000'000;  // what is to be full is given a limit of its own
      options.overflow = Overflow::DropOldest();
    }
    return options;
  }

  // Runs, or waits for, all that was published.
  void Settle() {
    if (manual != nullptr) manual->RunUntilIdle();
    ASSERT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained);
  }

  // Lets each of `publishers` threads publish `make(publisher, i)` for i below `events`, in order,
  // trying again when it is refused; then settles.
  template <class Make>
  void PublishFromThreads(int publishers, int events, Make make) {
    std::atomic<int> publishing{publishers};
    std::vector<std::thread> threads;
    for (int p = 0; p < publishers; ++p) {
      threads.emplace_back([&, p] {
        for (int i = 0; i < events; ++i) {
          while (!dispatcher->Publish(make(p, i))) std::this_thread::yield();
        }
        --publishing;
      });
    }
    if (manual != nullptr) {
      EXPECT_TRUE(Eventually([&] { return manual->RunUntilIdle() == 0 && publishing == 0; }));
    }
    for (std::thread& thread : threads) thread.join();
    Settle();
  }

  void ExpectBalanced() const { ExpectAllBalanced(dispatcher->GetStats()); }

  template <class E>
  TypeStats StatsOf() const {
    for (const TypeStats& type : dispatcher->GetStats().types) {
      if (type.event_type == EventTypeOf<E>()) return type;
    }
    return {EventTypeOf<E>()};
  }

  // The only listener that there is.
  ListenerStats OnlyListener() const {
    const Stats stats = dispatcher->GetStats();
    EXPECT_EQ(stats.listeners.size(), 1U);
    return stats.listeners.at(0);
  }

  std::string log() {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }

  std::unique_ptr<ManualExecutor> manual;
  std::unique_ptr<Dispatcher> dispatcher;

 private:
  std::size_t descriptors_before_ = 0;
  std::size_t threads_before_ = 0;
  std::mutex log_mutex_;
  std::string log_;
};

}  // namespace belfry
