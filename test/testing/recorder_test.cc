// What a recorder keeps, on a live dispatcher.

#include "belfry/testing/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/testing/duration.h"

namespace belfry::testing {
namespace {

struct Asked {
  int number = 0;
};
struct Answered {
  int number = 0;
};

TEST(RecorderTest, ItAwaitsWhatThreadsDo) {
  Recorder recorder;
  Dispatcher dispatcher({.pool = {.threads = 4}, .observer = &recorder});
  const Subscription desk = dispatcher.Subscribe(
      [](const Asked& asked) { return Answered{asked.number}; }, {.name = "desk"});
  const Subscription guest = dispatcher.Subscribe([](const Answered&) {}, {.name = "guest"});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(dispatcher.Publish(Asked{i}));
    });
  }
  EXPECT_TRUE(recorder.AwaitPublished<Answered>(400));
  EXPECT_TRUE(recorder.AwaitEnded("guest", 400));
  for (std::thread& thread : threads) thread.join();
  const Record record = recorder.record();
  EXPECT_EQ(record.events.size(), 800U);
  for (const RecordedEvent& event : record.events) {
    EXPECT_EQ(event.by, event.As<Answered>() == nullptr ? "" : "desk");
  }
}

TEST(RecorderTest, ItSaysWhenThatDoesNotCome) {
  Recorder recorder;
  Dispatcher dispatcher({.observer = &recorder});
  EXPECT_FALSE(recorder.AwaitPublished<Asked>(1, std::chrono::milliseconds(1)));
  EXPECT_FALSE(recorder.AwaitEnded("desk", 1, std::chrono::milliseconds(1)));
}

TEST(RecorderTest, ClearedItKnowsWhatIsStillUnderWay) {
  Recorder recorder;
  std::atomic<bool> go_on{false};
  Dispatcher dispatcher({.pool = {.threads = 1}, .observer = &recorder});
  const Subscription slow = dispatcher.Subscribe(
      [&](const Asked&) {
        while (!go_on) std::this_thread::yield();
      },
      {.name = "slow"});
  const Subscription fast =
      dispatcher.Subscribe([](const Answered&) {}, {.name = "fast", .run = Run::kInline});
  ASSERT_TRUE(dispatcher.Publish(Asked{1}));
  ASSERT_TRUE(dispatcher.Publish(Answered{1}));
  while (recorder.record().events.at(0).deliveries.empty()) std::this_thread::yield();
  recorder.Clear();
  EXPECT_EQ(recorder.record().events.size(), 1U);
  go_on = true;
  EXPECT_TRUE(recorder.AwaitEnded("slow", 1));
  EXPECT_EQ(recorder.record().events.size(), 1U) << "found again by its id";
}

TEST(ShowDurationTest, InTheLargestUnitThatFits) {
  EXPECT_EQ(ShowDuration(Nanoseconds(0)), "0s");
  EXPECT_EQ(ShowDuration(Nanoseconds(7)), "7ns");
  EXPECT_EQ(ShowDuration(Nanoseconds(1'500)), "1.5us");
  EXPECT_EQ(ShowDuration(std::chrono::milliseconds(250)), "250ms");
  EXPECT_EQ(ShowDuration(std::chrono::seconds(31)), "31s");
  EXPECT_EQ(ShowDuration(std::chrono::milliseconds(-1'050)), "-1.05s");
  EXPECT_EQ(ShowDuration(std::chrono::minutes(2)), "120s");
}

}  // namespace
}  // namespace belfry::testing
