// What ends a coroutine that waits.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/flow/all.h"
#include "belfry/flow/task.h"
#include "belfry/flow/timeout.h"
#include "flow/task_fixture.h"

namespace belfry {
namespace {

struct Asked {};
struct Undone {};

class TaskEndTest : public TaskTest {
 protected:
  // Waits for ever, and says when its frame goes.
  template <class Wait>
  Subscription ListenAndWait(Wait wait) {
    return dispatcher->Subscribe(
        [this, wait](const Asked&) -> Task<> {
          const Local local(*this);
          const AtEnd at_end{*this};
          Note("waits");
          co_await wait();
          Note("went on");
        },
        Options("waits"));
  }
  struct AtEnd {
    ~AtEnd() { test.Note(text); }
    TaskEndTest& test;
    std::string text = "gone";
  };

  Completion<int> never;
};

BELFRY_IN_TASK_MODES(TaskEndTest);

TEST_P(TaskEndTest, F1_X2_ResetDestroysItWhereItWaits) {
  Subscription listener = ListenAndWait([this] { return never; });
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(1));
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_EQ(notes(), (Notes{"waits", "gone"}));
  EXPECT_EQ(in_frames, 0);
  never.Finish(1);  // nobody is told
  Settle();
  EXPECT_EQ(StatsOf<Asked>().deliveries.cancelled, 2U);
}

TEST_P(TaskEndTest, ResetEndsASleep) {
  Subscription listener = ListenAndWait([] { return SleepFor(1s); });
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(1));
  ASSERT_TRUE(Eventually([&] { return armed(); }));
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_FALSE(armed());
  Pass(2s);
  EXPECT_EQ(notes(), (Notes{"waits", "gone"}));
}

TEST_P(TaskEndTest, ResetInsideOfItEndsItAtItsNextWait) {
  Subscription listener;
  listener = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        const AtEnd at_end{*this};
        EXPECT_EQ(listener.Reset(), ResetResult::kDeferred);
        Note("runs on");
        co_await never;
        Note("went on");
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  Settle();
  EXPECT_EQ(notes(), (Notes{"runs on", "gone"}));
}

TEST_P(TaskEndTest, ADetachedOneGoesOn) {
  Subscription listener = ListenAndWait([this] { return never; });
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(1));
  listener.Detach();
  never.Finish(1);
  Settle();
  EXPECT_EQ(notes(), (Notes{"waits", "went on", "gone"}));
}

TEST_P(TaskEndTest, F1_S1_ADrainingShutdownWaitsForItADiscardingOneDoesNot) {
  for (const ShutdownMode how : {ShutdownMode::kDrain, ShutdownMode::kDiscard}) {
    MakeTimed();
    const Subscription listener = ListenAndWait([this] { return never; });
    const std::size_t before = notes().size();
    EXPECT_TRUE(dispatcher->Publish(Asked{}));
    ASSERT_TRUE(Noted(before + 1));
    const ShutdownReport report = dispatcher->Shutdown(how, 20ms);
    EXPECT_EQ(report.complete, how == ShutdownMode::kDiscard);
    EXPECT_EQ(in_frames, how == ShutdownMode::kDiscard ? 0 : 1);
    dispatcher.reset();
    EXPECT_EQ(in_frames, 0);
  }
}

TEST_P(TaskEndTest, WhatItUndoesIsCausedByItsEvent) {
  EventId cause;
  EventId asked;
  const Subscription undone = dispatcher->Subscribe(
      [&](const Undone&, Context& context) { cause = context.envelope().causation_id(); },
      Options());
  struct Undo {
    ~Undo() { dispatcher.Publish(Undone{}); }
    Dispatcher& dispatcher;
  };
  Subscription listener = dispatcher->Subscribe(
      [&](const Asked&, Context& context) -> Task<> {
        const Local local(*this);
        asked = context.envelope().id();
        const Undo undo{*dispatcher};
        Note("waits");
        co_await never;
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(1));
  listener.Reset();
  Settle();
  EXPECT_TRUE(asked);
  EXPECT_EQ(cause, asked);
}

TEST_P(TaskEndTest, EveryDepthEndsInsideOut) {
  Subscription listener = dispatcher->Subscribe(
      [this](const Asked&) -> Task<> {
        const Local local(*this);
        const AtEnd at_end{*this};
        const auto inner = [this](std::string name) -> Task<int> {
          const Local inside(*this);
          const AtEnd gone{*this, name + " gone"};
          Note(name);
          co_return co_await never;
        };
        co_await All(inner("a"), inner("b"));
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(2));
  listener.Reset();
  EXPECT_EQ(notes().size(), 5U);
  EXPECT_EQ(notes().back(), "gone");
}

TEST_P(TaskEndTest, AnInlineListenerIsNoCoroutine) {
  if (mode() == Mode::kSynchronous) return;
  ListenerOptions options{.name = "inline", .run = Run::kInline};
  const Subscription listener =
      dispatcher->Subscribe([](const Asked&) -> Task<> { co_return; }, options);
  EXPECT_EQ(listener.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(listener.status().message().find("coroutine"), std::string::npos);
}

// Many wait, are woken by other threads and reset at the same time.
TEST_P(TaskEndTest, X1_ResetAgainstWakes) {
  for (int round = 0; round < 50; ++round) {
    std::vector<Completion<int>> answers(8);
    std::atomic<unsigned> next{0};
    ListenerOptions options = Options();
    options.concurrency = 8;
    Subscription listener = dispatcher->Subscribe(
        [&](const Asked&) -> Task<> {
          const Local local(*this);
          const unsigned own = next++;
          co_await answers.at(own);
          co_await Yield();
        },
        options);
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(dispatcher->Publish(Asked{}));
    RunReady();
    std::thread wakes([&] {
      for (const Completion<int>& answer : answers) answer.Finish(1);
    });
    EXPECT_EQ(listener.Reset(), ResetResult::kDone);
    EXPECT_EQ(in_frames, 0);
    wakes.join();
  }
  Settle();
}

}  // namespace
}  // namespace belfry
