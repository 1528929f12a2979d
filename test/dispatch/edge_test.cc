// At the edges: threads that end, signals, clocks that are set anew.

#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "belfry/manual_timers.h"
#include "dispatch/mode_test.h"
#include "faults.h"

namespace belfry {
namespace {

struct Ping {
  int number = 0;
};

using EdgeTest = ModeTest;

// Publishes when its thread ends.
struct LastWords {
  ~LastWords() {
    if (publisher != nullptr) result->store(static_cast<int>(publisher->Publish(Ping{}).code()));
  }
  std::unique_ptr<Publisher> publisher{};
  std::atomic<int>* result = nullptr;
};
thread_local LastWords last_words;

TEST_P(EdgeTest, S1_WhatAThreadsOwnObjectsPublishAtItsEndIsRefused) {
  if (!threaded()) GTEST_SKIP() << "no thread ends with the dispatcher";
  std::atomic<int> result{-1};
  const Subscription listener = dispatcher->Subscribe([&](const Ping&) {
    last_words.publisher = std::make_unique<Publisher>(dispatcher->publisher());
    last_words.result = &result;
  });
  ASSERT_TRUE(dispatcher->Publish(Ping{}));
  Settle();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(result, static_cast<int>(PublishResult::Code::kClosed));
}

TEST_P(EdgeTest, S2_EightThreadsAndASignalMayEndItAtOnce) {
  const Subscription listener = dispatcher->Subscribe([](const Ping&) {}, Options());
  ASSERT_TRUE(dispatcher->Publish(Ping{}));
  if (manual != nullptr) manual->RunUntilIdle();
  std::atomic<int> complete{0};
  const auto end = [&] {
    if (dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete) ++complete;
  };
  std::atomic<bool> waits{false};
  std::thread signalled([&] {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    waits = true;
    int signal = 0;
    EXPECT_EQ(sigwait(&signals, &signal), 0);
    end();
  });
  EXPECT_TRUE(Eventually([&] { return waits.load(); }));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(end);
  pthread_kill(signalled.native_handle(), SIGUSR1);
  signalled.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(complete, 9);
}

// Its wall clock is set back and forth; the steady one goes on.
class JumpingClock final : public Clock {
 public:
  explicit JumpingClock(const Clock& steady) : steady_(steady) {}
  SteadyTime Now() const override { return steady_.Now(); }
  WallTime WallNow() const override { return steady_.WallNow() + ahead_.load(); }
  void Set(Nanoseconds ahead) { ahead_ = ahead; }

 private:
  const Clock& steady_;
  std::atomic<Nanoseconds> ahead_{Nanoseconds::zero()};
};

TEST_P(EdgeTest, AClockThatIsSetAnewMovesNoDeadlineAndNoDelay) {
  ManualTimers timers;
  JumpingClock clock(timers.clock());
  Make([&](DispatcherOptions& options) {
    options.timers = &timers;
    options.clock = &clock;
  });
  std::atomic<int> count{0};
  ListenerOptions options = Options();
  if (mode() != Mode::kInline) options.deadline = std::chrono::minutes(10);
  const Subscription listener = dispatcher->Subscribe([&](const Ping&) { ++count; }, options);
  dispatcher->PublishAfter(std::chrono::seconds(2), Ping{});
  dispatcher->PublishAt(clock.WallNow() + std::chrono::seconds(2), Ping{});
  clock.Set(std::chrono::hours(1));
  timers.Advance(std::chrono::seconds(1));
  Settle();
  EXPECT_EQ(count, 0);
  clock.Set(-std::chrono::hours(1));
  timers.Advance(std::chrono::seconds(1));
  Settle();
  EXPECT_EQ(count, 2);
  dispatcher.reset();
}

BELFRY_IN_EVERY_MODE(EdgeTest);

TEST(OriginTest, ASignalWhileTheSystemHasNoRandomNumbersYetIsNoMatter) {
  const FailNth interrupted(sys::Call::kGetrandom, 1, EINTR);
  Dispatcher dispatcher;
  EXPECT_TRUE(interrupted.hit());
  EXPECT_NE(dispatcher.NewEventId().origin, 0U);
}

}  // namespace
}  // namespace belfry
