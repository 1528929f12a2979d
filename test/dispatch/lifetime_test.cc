// S1: dispatchers and callables that end while others do something.

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Work {};

class LifetimeTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(LifetimeTest);

TEST_P(LifetimeTest, S1_ItWaitsForTheDestructorOfACallableOnAnotherThread) {
  struct Last {
    Gate began;
    Gate go_on;
    std::atomic<bool> over{false};
    DrainResult drained = DrainResult::kDrained;
  } last;
  // Says when it is destroyed, unless it was moved from.
  class Goodbye {
   public:
    Goodbye(Dispatcher& dispatcher, Last& last) : dispatcher_(dispatcher), last_(&last) {}
    Goodbye(Goodbye&& other) noexcept
        : dispatcher_(other.dispatcher_), last_(std::exchange(other.last_, nullptr)) {}
    Goodbye& operator=(Goodbye&&) = delete;
    ~Goodbye() {
      if (last_ == nullptr) return;
      last_->drained = dispatcher_.Drain();
      last_->began.Open();
      last_->go_on.Wait();
      last_->over = true;
    }

   private:
    Dispatcher& dispatcher_;
    Last* last_;
  };
  Subscription leaving =
      dispatcher->Subscribe([goodbye = Goodbye(*dispatcher, last)](const Work&) {}, Options());
  std::thread resetter([&] { EXPECT_EQ(leaving.Reset(), ResetResult::kDone); });
  last.began.Wait();
  EXPECT_FALSE(dispatcher->Shutdown(ShutdownMode::kDrain, std::chrono::milliseconds(5)).complete);
  last.go_on.Open();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_TRUE(last.over);
  EXPECT_EQ(last.drained, DrainResult::kWouldDeadlock) << "it would wait for itself";
  resetter.join();
}

TEST_P(LifetimeTest, S1_ADiscardWakesWhoWaitsForWhatItDiscards) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere nothing is left lying";
  const Subscription listener = dispatcher->Subscribe([](const Work&) {});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Work{}));
  std::atomic<bool> draining{false};
  std::thread drainer([&] {
    draining = true;
    EXPECT_EQ(dispatcher->Drain(), DrainResult::kDrained);
  });
  EXPECT_TRUE(Eventually([&] { return draining.load(); }));
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // it has come to its wait by now
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.cancelled, 3U);
  drainer.join();
}

TEST_P(LifetimeTest, SeveralDispatchersMayComeAndGoAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> calls{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        DispatcherOptions options;
        options.synchronous = mode() == Mode::kSynchronous;
        options.executor = manual.get();
        options.pool.threads = 1;
        Dispatcher own(options);
        const Subscription listener = own.Subscribe([&](const Work&) { ++calls; }, Options());
        EXPECT_TRUE(own.Publish(Work{}));
        if (mode() != Mode::kManual) {
          EXPECT_EQ(own.Drain(kPatience), DrainResult::kDrained);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, mode() == Mode::kManual ? 0 : 100);
}

}  // namespace
}  // namespace belfry
