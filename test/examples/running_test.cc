// The examples in the headers of what runs listeners, and of what brings the outside world in.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/status/status.h"

#include "belfry/await.h"
#include "belfry/completion.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/files.h"
#include "belfry/loop_group.h"
#include "belfry/manual_executor.h"
#include "belfry/signals.h"
#include "belfry/thread_pool.h"
#include "belfry/timer.h"
#include "waiting.h"

namespace belfry {
namespace {

struct OrderPlaced {
  std::string pizza;
};

TEST(ThreadPoolExample, ListenersRunOnThePoolsThreads) {
  // example: thread_pool.h
  belfry::ThreadPool pool({.threads = 4, .name = "mail"});
  belfry::Dispatcher dispatcher({.executor = &pool});
  // end of example
  const belfry::Executor* ran_on = nullptr;
  const Subscription listener =
      dispatcher.Subscribe([&](const OrderPlaced&) { ran_on = Executor::Current(); });
  dispatcher.Publish(OrderPlaced{"margherita"});
  dispatcher.Drain();
  EXPECT_EQ(ran_on, &pool);
  EXPECT_TRUE(Eventually([] { return CountThreads("mail") == 4; }));
}

TEST(ManualExecutorExample, ListenersRunWhenTheyAreTold) {
  static std::string baked;
  static const auto Bake = [](const std::string& pizza) { baked = pizza; };
  // example: manual_executor.h
  belfry::ManualExecutor executor;
  belfry::Dispatcher dispatcher({.executor = &executor});
  auto oven = dispatcher.Subscribe([](const OrderPlaced& order) { Bake(order.pizza); });
  dispatcher.Publish(OrderPlaced{"margherita"});
  executor.RunUntilIdle();  // the listeners run here, on this thread
  // end of example
  EXPECT_EQ(baked, "margherita");
}

TEST(CompletionExample, IsFinishedOnceAndTold) {
  ThreadPool pool;
  static std::atomic<int> shown{0};
  static const auto Show = [](int value) { shown = value; };
  // example: completion.h
  belfry::Completion<int> answer;
  pool.Post([answer] { answer.Finish(42); });
  answer.Then([](const int& value) { Show(value); });  // when it is finished, or at once
  int value = answer.Wait();
  // end of example
  EXPECT_EQ(value, 42);
  EXPECT_TRUE(Eventually([&] { return shown == 42; }));
}

// A coroutine that nobody waits for.
struct Story {
  struct promise_type {
    Story get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Story Tell(Completion<int> answer, int& told) {
  // example: await.h
  const int value = co_await answer;  // answer is a belfry::Completion<int>
  // end of example
  told = value;
}

TEST(AwaitExample, ACoroutineGoesOnWithTheValue) {
  const Completion<int> answer;
  int told = 0;
  Tell(answer, told);
  EXPECT_EQ(told, 0);
  answer.Finish(42);
  EXPECT_EQ(told, 42);
}

TEST(EventLoopExample, RunsUntilItIsStopped) {
  // example: event_loop.h
  belfry::EventLoop loop;
  loop.RunAfter(std::chrono::milliseconds(1), [&] { loop.Stop(); });
  loop.Run();
  // end of example
}

// example: timer.h
class Session {
 public:
  explicit Session(belfry::EventLoop& loop)
      : idle_(loop, *this, [](Session& session) { session.Close(); }) {}
  void OnMessage() { idle_.Arm(std::chrono::milliseconds(20)); }
  void Close() { open_ = false; }
  bool open() const { return open_; }

 private:
  bool open_ = true;
  belfry::Timer idle_;
};
// end of example

TEST(TimerExample, ASessionIsClosedWhenNoMessageComes) {
  EventLoop loop;
  Session session(loop);
  const auto begin = std::chrono::steady_clock::now();
  for (int message = 0; message < 3; ++message) session.OnMessage();
  while (session.open()) loop.RunOnce(std::chrono::seconds(10));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20));
}

TEST(LoopGroupExample, LoopsRunOnThreadsOfTheirOwn) {
  static std::atomic<int> served{0};
  static std::atomic<int> greeted{0};
  static const auto Serve = [] { ++served; };
  static const auto Greet = [] { ++greeted; };
  {
    // example: loop_group.h
    belfry::LoopGroup loops({.loops = 4, .name = "web"});
    loops.loop(2).Post([] { Serve(); });  // on the third one's thread
    loops.PostToEach([] { Greet(); });    // on every one's
    // end of example
  }
  EXPECT_EQ(served, 1);
  EXPECT_EQ(greeted, 4);
}

TEST(EventLoopOptionsExample, AHungLoopIsToldOf) {
  static Gate told;
  static const auto Log = [](const char*, auto) { told.Open(); };
  // example: event_loop_options.h
  belfry::EventLoop loop({.on_slow = [](const belfry::SlowTurn& turn) {
    Log(turn.work == belfry::LoopWork::kTimers ? "a timer hangs" : "hangs", turn.running_for);
  }});
  // end of example
  loop.Post([&] { told.Wait(); });
  loop.RunOnce();
}

TEST(SignalsExample, ASignalStopsTheLoop) {
  EventLoop loop;
  Dispatcher dispatcher({.synchronous = true});
  // example: signals.h
  belfry::Signals signals(loop, dispatcher, {SIGTERM, SIGINT});  // before any thread is started
  auto stop = dispatcher.Subscribe([&](const belfry::SignalReceived&) { loop.Stop(); });
  // end of example
  ASSERT_EQ(std::raise(SIGTERM), 0);
  loop.Run();
}

TEST(FilesExample, WhatWasReadIsAnEvent) {
  std::ofstream("welcome.txt") << "Welcome!";
  Dispatcher dispatcher;
  static std::string rendered;
  static const auto Render = [](const std::string& text) { rendered = text; };
  Gate was_read;
  const Subscription told = dispatcher.Subscribe([&](const FileReadFinished&) { was_read.Open(); },
                                                 {.run = Run::kInline});
  {
    // example: files.h
    belfry::BlockingFiles files(dispatcher);
    auto done = dispatcher.Subscribe([](const belfry::FileReadFinished& read) {
      if (read.status.ok()) Render(read.content);
    });
    files.Read("welcome.txt");
    // end of example
    was_read.Wait();
    dispatcher.Drain();
  }
  EXPECT_EQ(rendered, "Welcome!");
  std::filesystem::remove("welcome.txt");
}

}  // namespace
}  // namespace belfry
