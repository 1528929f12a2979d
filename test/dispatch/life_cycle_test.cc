// What a dispatcher tells of its own life: who comes, who goes, and its end.

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Rung {};
using Lines = std::vector<std::string>;

class LifeCycleTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    Make([this](DispatcherOptions& options) {
      options.life_cycle = {
          [this](const ListenerInfo& listener) { Note("+" + std::string(listener.name)); },
          [this](const ListenerInfo& listener) { Note("-" + std::string(listener.name)); },
          [this](DispatcherState state) { Note(std::to_string(static_cast<int>(state))); }};
    });
  }
  // The end is told too.
  void TearDown() override {
    ModeTest::TearDown();
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(notes_.back(), std::to_string(static_cast<int>(DispatcherState::kClosed)));
  }
  void Note(std::string note) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(note));
  }
  Lines notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  Subscription Listening(ListenerOptions options) {
    return dispatcher->Subscribe([](const Rung&) {}, std::move(options));
  }

 private:
  std::mutex mutex_;
  Lines notes_;
};
BELFRY_IN_EVERY_MODE(LifeCycleTest);

TEST_P(LifeCycleTest, ListenersAreToldWhenTheyComeAndGo) {
  Subscription reset = Listening(Options("reset"));
  Subscription detached = Listening(Options("detached"));
  { const Subscription destroyed = Listening(Options("destroyed")); }
  EXPECT_EQ(reset.Reset(), ResetResult::kDone);
  detached.Detach();
  EXPECT_EQ(notes(),
            (Lines{"+reset", "+detached", "+destroyed", "-destroyed", "-reset", "-detached"}));
}

TEST_P(LifeCycleTest, AListenerThatEndsByItselfIsToldOnce) {
  ListenerOptions once = Options("once");
  once.once = true;
  const auto owner = std::make_shared<int>();
  ListenerOptions owned = Options("owned");
  owned.owner = std::weak_ptr<int>(std::make_shared<int>());
  {
    const Subscription first = Listening(std::move(once));
    const Subscription second = Listening(std::move(owned));
    ASSERT_TRUE(dispatcher->Publish(Rung{}));
    Settle();
    Lines told = notes();
    ASSERT_EQ(told.size(), 4U);
    std::sort(told.begin() + 2, told.end());  // on two threads
    EXPECT_EQ(told, (Lines{"+once", "+owned", "-once", "-owned"}));
  }
  EXPECT_EQ(notes().size(), 4U);
}

TEST_P(LifeCycleTest, ARefusedSubscribeIsNot) {
  EXPECT_FALSE(Listening({.concurrency = 0}).status().ok());
  EXPECT_EQ(notes(), Lines{});
}

TEST_P(LifeCycleTest, S1_ItsStatesAreToldAndTheLastOneSpeaksForAllListeners) {
  const Subscription listener = Listening(Options("stays"));
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(notes(), (Lines{"+stays", "1", "3"}));
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience).complete);
  EXPECT_EQ(notes().size(), 3U);
}

TEST_P(LifeCycleTest, S4_TheDestructorDiscards) {
  dispatcher.reset();
  EXPECT_EQ(notes(), (Lines{"2", "3"}));
}

TEST_P(LifeCycleTest, R3_AHookMayUseTheDispatcher) {
  Subscription inner;
  std::string names;
  Make([&](DispatcherOptions& options) {
    options.life_cycle.subscribed = [&](const ListenerInfo& listener) {
      if (listener.name == "outer") inner = Listening({.name = "inner"});
      for (const std::string& name : dispatcher->ListenerNames(listener.event_type)) names += name;
      EXPECT_TRUE(dispatcher->Publish(Rung{}));
    };
    options.life_cycle.state_changed = [this](DispatcherState s) {
      Note(std::to_string(static_cast<int>(s)));
    };
  });
  const Subscription outer = Listening({.name = "outer"});
  Settle();
  EXPECT_EQ(names, "outerinnerouterinner");
  EXPECT_EQ(inner.Reset(), ResetResult::kDone);
}

TEST_P(LifeCycleTest, WhatAHookThrowsIsLogged) {
  Make([this](DispatcherOptions& options) {
    const auto fails = [](const ListenerInfo&) { throw std::runtime_error("no ink"); };
    options.life_cycle = {fails, fails, [this](DispatcherState state) {
                            Note(std::to_string(static_cast<int>(state)));
                            throw std::runtime_error("no paper");
                          }};
  });
  { const Subscription listener = Listening(Options("resilient")); }
  EXPECT_EQ(log(), "a life cycle hook threw: no ink\na life cycle hook threw: no ink\n");
}

// In a delivery of another thread, with which it ends, a listener may go before all is said of it.
TEST_P(LifeCycleTest, OfOneListenerItsComingIsToldFirst) {
  if (mode() == Mode::kManual) GTEST_SKIP() << "needs another thread";
  std::atomic<bool> over{false};
  std::thread publishing([&] {
    while (!over) static_cast<void>(dispatcher->Publish(Rung{}));
  });
  for (int i = 0; i < 200; ++i) {
    ListenerOptions options = Options(std::to_string(i));
    options.once = true;
    const Subscription listener = Listening(std::move(options));
  }
  over = true;
  publishing.join();
  Settle();
  int last = 0;
  std::vector<int> here(200);
  for (const std::string& note : notes()) {
    int& count = here[static_cast<std::size_t>(std::stoi(note.substr(1)))];
    count += note[0] == '+' ? 1 : -1;
    ASSERT_TRUE(count == 0 || count == 1) << note;
    ++last;
  }
  EXPECT_EQ(last, 400);
}

}  // namespace
}  // namespace belfry
