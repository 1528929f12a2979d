#include "belfry/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <system_error>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/manual_executor.h"
#include "faults.h"
#include "io/recorder.h"

namespace belfry {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

bool Blocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

class SignalsTest : public testing::Test {
 protected:
  void SetUp() override { descriptors_before_ = CountDescriptors(); }
  void TearDown() override { EXPECT_EQ(CountDescriptors(), descriptors_before_); }

  // Runs the loop until `done`.
  template <class Predicate>
  static void RunUntil(EventLoop& loop, Predicate done) {
    EXPECT_TRUE(Eventually([&] {
      loop.RunOnce(std::chrono::milliseconds(1));
      return done();
    }));
  }

 private:
  std::size_t descriptors_before_ = 0;
};

TEST_F(SignalsTest, ASignalBecomesAnEventWithAStoryOfItsOwn) {
  EventLoop loop;
  Dispatcher dispatcher({.pool = {.threads = 1}});
  std::vector<int> seen;
  const Subscription subscription = dispatcher.Subscribe(
      [&](const SignalReceived& event, Context& context) {
        EXPECT_FALSE(context.envelope().causation_id());
        EXPECT_TRUE(loop.in_loop_thread());
        seen.push_back(event.signal);
      },
      {.run = Run::kInline});
  const Signals signals(loop, dispatcher, {SIGUSR1, SIGUSR2});
  ::kill(::getpid(), SIGUSR1);
  RunUntil(loop, [&] { return seen.size() == 1; });
  ::kill(::getpid(), SIGUSR2);
  RunUntil(loop, [&] { return seen.size() == 2; });
  EXPECT_THAT(seen, ElementsAre(SIGUSR1, SIGUSR2));
}

TEST_F(SignalsTest, TheDestructorUnblocksWhatItBlockedAndNothingElse) {
  EventLoop loop;
  Dispatcher dispatcher({.pool = {.threads = 1}});
  sigset_t before;
  sigset_t usr2;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &usr2, &before);
  {
    const Signals signals(loop, dispatcher, {SIGUSR1, SIGUSR2});
    EXPECT_TRUE(Blocked(SIGUSR1));
    EXPECT_TRUE(Blocked(SIGUSR2));
  }
  EXPECT_FALSE(Blocked(SIGUSR1));
  EXPECT_TRUE(Blocked(SIGUSR2));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(SignalsTest, SignalsMayGoInsideTheirOwnEvent) {
  EventLoop loop;
  Dispatcher dispatcher({.pool = {.threads = 1}});
  auto signals = std::make_unique<Signals>(loop, dispatcher, std::initializer_list<int>{SIGUSR1});
  const Subscription subscription =
      dispatcher.Subscribe([&](const SignalReceived&) { signals.reset(); }, {.run = Run::kInline});
  ::kill(::getpid(), SIGUSR1);
  RunUntil(loop, [&] { return signals == nullptr; });
}

TEST_F(SignalsTest, ARefusedSignalWaitsUntilItIsAccepted) {
  EventLoop loop;
  Dispatcher dispatcher({.pool = {.threads = 1}});
  ManualExecutor executor;
  std::vector<int> seen;
  Subscription slow = dispatcher.Subscribe(
      [&](const SignalReceived& event) { seen.push_back(event.signal); },
      {.executor = &executor, .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  const Signals signals(loop, dispatcher, {SIGUSR1, SIGUSR2, SIGHUP});
  for (const int signal : {SIGUSR1, SIGUSR2, SIGHUP}) ::kill(::getpid(), signal);
  RunUntil(loop, [&] {
    executor.RunUntilIdle();
    return seen.size() == 3;
  });
  EXPECT_THAT(seen, UnorderedElementsAre(SIGUSR1, SIGUSR2, SIGHUP));
  slow.Reset();
}

TEST_F(SignalsTest, WhatTheSystemRefusesThrowsAndLeavesTheMaskAsItWas) {
  EventLoop loop;
  Dispatcher dispatcher({.pool = {.threads = 1}});
  for (const sys::Call call : {sys::Call::kSignalfd, sys::Call::kEpollAdd}) {
    const FailNth fail(call, 1, ENFILE);
    EXPECT_THROW(Signals(loop, dispatcher, {SIGUSR1}), std::system_error);
    EXPECT_FALSE(Blocked(SIGUSR1));
  }
}

}  // namespace
}  // namespace belfry
