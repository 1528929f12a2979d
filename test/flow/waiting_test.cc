// What coroutines wait for, as others see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "belfry/flow/all.h"
#include "belfry/flow/event_stream.h"
#include "belfry/flow/expect.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/task.h"
#include "belfry/shutdown.h"
#include "flow/task_fixture.h"

namespace belfry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;
using ::testing::StartsWith;

struct Asked {
  int number = 0;
};
struct Answered {};
BELFRY_EVENT_NAME(Answered, "test.answered", 1);

class WaitingTest : public TaskTest {
 protected:
  std::vector<std::string> WaitsFor() {
    std::vector<std::string> texts;
    for (const WaitingDelivery& delivery : dispatcher->WaitingDeliveries()) {
      texts.push_back(delivery.waits_for);
    }
    return texts;
  }
  // Listens with a task that ends when `wait` does.
  template <class Wait>
  Subscription Listen(Wait wait, unsigned concurrency = 1) {
    ListenerOptions options = Options("story");
    options.concurrency = concurrency;
    return dispatcher->Subscribe(
        [this, wait](const Asked&) -> Task<> {
          const Local local(*this);
          Note("waits");
          co_await wait();
        },
        options);
  }
  bool Ask() {
    const std::size_t before = notes().size();
    return dispatcher->Publish(Asked{}).ok() && Noted(before + 1) &&
           Eventually([this] { return !WaitsFor().empty(); });
  }

  static Task<> Rest() { co_await Sleep(1500ms); }
  Task<> Answer() { co_await never; }

  Completion<int> never;
};

BELFRY_IN_TASK_MODES(WaitingTest);

TEST_P(WaitingTest, EachSaysForWhatAndWhere) {
  const Subscription listener = Listen([this]() -> Task<> { co_await All(Rest(), Answer()); });
  ASSERT_TRUE(Ask());
  const std::vector<WaitingDelivery> waiting = dispatcher->WaitingDeliveries();
  ASSERT_THAT(waiting, SizeIs(1));
  EXPECT_EQ(waiting[0].listener, "story");
  EXPECT_EQ(waiting[0].event_type, EventTypeOf<Asked>());
  EXPECT_TRUE(waiting[0].event);
  EXPECT_THAT(waiting[0].waits_for, MatchesRegex("a sleep of 1.5 s .waiting_test.cc:[0-9]+., "
                                                 "a completion .waiting_test.cc:[0-9]+."));
  EXPECT_THAT(dispatcher->RunningDeliveries(), IsEmpty());

  Pass(1500ms);
  EXPECT_TRUE(Eventually([&] { return WaitsFor().at(0).starts_with("a completion ("); }));
  never.Finish(1);
  Settle();
  EXPECT_THAT(WaitsFor(), IsEmpty());
}

TEST_P(WaitingTest, EventsAreNamed) {
  const Subscription expects = dispatcher->Subscribe(
      [this](const Asked&) -> Task<> {
        auto answered = Expect<Answered>(*dispatcher, {.within = 2s});
        Note("waits");
        co_await answered.Get();
      },
      Options("expects"));
  ASSERT_TRUE(Ask());
  EXPECT_THAT(WaitsFor(), ElementsAre(AllOf(HasSubstr("test.answered (waiting_test.cc:"),
                                            HasSubstr("a sleep of 2 s (waiting_test.cc:"))));
}

TEST_P(WaitingTest, AStreamsNextEventIsNamed) {
  EventStream<Answered> stream(*dispatcher);
  const Subscription listener = Listen([&]() -> Task<> { co_await stream.Next(); });
  ASSERT_TRUE(Ask());
  EXPECT_THAT(WaitsFor(), ElementsAre(HasSubstr("the next test.answered (waiting_test.cc:")));
}

TEST_P(WaitingTest, OfManyTheFirstSixteenAreSaid) {
  const Subscription listener = Listen([this]() -> Task<> { co_await Answer(); }, 20);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Ask());
  EXPECT_TRUE(Eventually([&] { return WaitsFor().size() == 16; }));
}

TEST_P(WaitingTest, ADetachedOneIsSaidToo) {
  Subscription listener = Listen([this]() -> Task<> { co_await Answer(); });
  ASSERT_TRUE(Ask());
  listener.Detach();
  ASSERT_THAT(WaitsFor(), SizeIs(1));
  EXPECT_EQ(dispatcher->WaitingDeliveries()[0].listener, "story");
  never.Finish(1);
  Settle();
  EXPECT_THAT(WaitsFor(), IsEmpty());
}

TEST_P(WaitingTest, S3_AShutdownThatDoesNotCompleteSaysForWhat) {
  const Subscription listener = Listen([this]() -> Task<> { co_await Answer(); });
  ASSERT_TRUE(Ask());
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, 1ms);
  EXPECT_FALSE(report.complete);
  EXPECT_THAT(report.stuck, IsEmpty());
  ASSERT_THAT(report.waiting, SizeIs(1));
  EXPECT_THAT(ToString(report),
              AllOf(HasSubstr("shutdown not complete; 1 waiting\n  listener \"story\" on "),
                    HasSubstr(ToString(report.waiting[0].event) +
                              ", waits for a completion (waiting_test.cc:")));
  never.Finish(1);
  RunReady();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, 10s).complete);
}

// Against wakes, ends and resets on other threads.
TEST_P(WaitingTest, ItIsSafeToLook) {
  std::vector<Completion<int>> answers(200);
  std::atomic<std::size_t> next{0};
  ListenerOptions options = Options("story");
  options.concurrency = 8;
  Subscription listener = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        const std::size_t mine = next++;
        co_await answers.at(mine);
        co_await Yield();
        co_await Sleep(1h);
      },
      options);
  std::atomic<bool> over{false};
  std::thread looks([&] {
    while (!over) {
      for (const WaitingDelivery& one : dispatcher->WaitingDeliveries()) {
        EXPECT_EQ(one.listener, "story");
      }
    }
  });
  for (std::size_t i = 0; i < answers.size(); ++i) {
    dispatcher->Publish(Asked{});
    answers[i].Finish(1);
    if (i % 16 == 15) Pass(1h);
  }
  listener.Reset();
  over = true;
  looks.join();
}

TEST(WaitTextTest, WhatIsTooLongIsCut) {
  WaitText text;
  for (int i = 0; i < 50; ++i) text << "0123456789";
  EXPECT_EQ(text.text().size(), WaitText::kBytesMax);
  EXPECT_THAT(std::string(text.text()), AllOf(StartsWith("0123456789"), EndsWith("6...")));
}

}  // namespace
}  // namespace belfry
