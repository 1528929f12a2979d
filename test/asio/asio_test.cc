#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "asio_executor.h"
#include "belfry/dispatcher.h"
#include "belfry/library_events.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Struck {
  int hour = 0;
};
struct Heard {
  int hour = 0;
};

// --- On a pool ---

class AsioPoolTest : public testing::Test {
 protected:
  boost::asio::thread_pool pool{4};
  OnAsio<boost::asio::thread_pool::executor_type> executor{pool.get_executor(), true};
  std::optional<Dispatcher> dispatcher{std::in_place, DispatcherOptions{.executor = &executor}};
};

TEST_F(AsioPoolTest, O1_O2_AListenerGetsAllInOrderAndNeverOverlapsItself) {
  constexpr int kEvents = 20'000;
  std::vector<int> hours;  // not guarded: a listener is serial
  const Subscription listener =
      dispatcher->Subscribe([&](const Struck& struck) { hours.push_back(struck.hour); });
  for (int hour = 0; hour < kEvents; ++hour) ASSERT_TRUE(dispatcher->Publish(Struck{hour}));
  ASSERT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained);
  ASSERT_EQ(hours.size(), static_cast<std::size_t>(kEvents));
  for (int hour = 0; hour < kEvents; ++hour) ASSERT_EQ(hours[static_cast<std::size_t>(hour)], hour);
}

TEST_F(AsioPoolTest, ListenersPublishFromItsThreads) {
  std::atomic<int> heard{0};
  const Subscription first =
      dispatcher->Subscribe([&](const Struck& struck) { dispatcher->Publish(Heard{struck.hour}); });
  const Subscription second = dispatcher->Subscribe([&](const Heard& one) { heard += one.hour; });
  for (int hour = 1; hour <= 12; ++hour) ASSERT_TRUE(dispatcher->Publish(Struck{hour}));
  ASSERT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained);
  EXPECT_EQ(heard, 78);
}

TEST_F(AsioPoolTest, X2_AResetWaitsForWhatRunsOnIt) {
  Gate running;
  Gate go_on;
  std::atomic<bool> ended{false};
  Subscription listener = dispatcher->Subscribe([&](const Struck&) {
    running.Open();
    go_on.Wait();
    ended = true;
  });
  ASSERT_TRUE(dispatcher->Publish(Struck{}));
  running.Wait();
  std::thread opening([&] { go_on.Open(); });
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_TRUE(ended);
  opening.join();
}

// B2: one of its own threads is an executor's, wherever that came from.
TEST_F(AsioPoolTest, B2_AListenerThatPublishesToAFullQueueIsNotHeldUp) {
  Gate go_on;
  Completion<PublishResult::Code> told;
  const Subscription full =
      dispatcher->Subscribe([&](const Heard&) { go_on.Wait(); }, {.queue = {.events_max = 1}});
  const Subscription publishing = dispatcher->Subscribe([&](const Struck&) {
    PublishResult result = dispatcher->Publish(Heard{});
    for (int i = 0; i < 2 && result.ok(); ++i) result = dispatcher->Publish(Heard{});
    told.Finish(result.code());
  });
  ASSERT_TRUE(dispatcher->Publish(Struck{}));
  EXPECT_EQ(told.Wait(), PublishResult::Code::kWouldDeadlock);
  go_on.Open();
}

TEST_F(AsioPoolTest, S1_TheEndWaitsForWhatRuns) {
  std::atomic<int> heard{0};
  Subscription listener = dispatcher->Subscribe([&](const Struck&) { ++heard; });
  for (int hour = 0; hour < 100; ++hour) ASSERT_TRUE(dispatcher->Publish(Struck{hour}));
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(heard, 100);
  dispatcher.reset();
}

// --- In a loop ---

TEST(AsioLoopTest, ListenersRunBetweenTheLoopsOwnHandlersOnItsThread) {
  boost::asio::io_context loop(1);
  OnAsio executor(loop.get_executor(), false);
  Dispatcher dispatcher({.executor = &executor});
  std::vector<int> order;
  std::thread::id thread;
  const Subscription listener = dispatcher.Subscribe([&](const Struck& struck) {
    order.push_back(struck.hour);
    thread = std::this_thread::get_id();
  });
  boost::asio::post(loop, [&] {
    EXPECT_TRUE(dispatcher.Publish(Struck{2}));
    order.push_back(1);
    boost::asio::post(loop, [&] { order.push_back(3); });
  });
  loop.run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST(AsioLoopTest, WhatOtherThreadsPublishComesToTheLoopsThread) {
  constexpr int kEvents = 5'000;
  boost::asio::io_context loop(1);
  OnAsio executor(loop.get_executor(), false);
  Dispatcher dispatcher({.executor = &executor});
  auto guard = std::make_optional(boost::asio::make_work_guard(loop));
  int heard = 0;
  const Subscription listener = dispatcher.Subscribe([&](const Struck&) {
    if (++heard == kEvents) guard.reset();
  });
  std::thread publishing([&] {
    for (int hour = 0; hour < kEvents; ++hour) EXPECT_TRUE(dispatcher.Publish(Struck{hour}));
  });
  loop.run();
  publishing.join();
  EXPECT_EQ(heard, kEvents);
}

}  // namespace
}  // namespace belfry
