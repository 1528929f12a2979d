// Coroutine listeners: a delivery lasts until its frame has ended.
#include "belfry/flow/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/flow/sleep.h"
#include "flow/task_fixture.h"

namespace belfry {
namespace {

struct Asked {
  int number = 0;
};
struct Answered {
  int number = 0;
};

BELFRY_IN_TASK_MODES(TaskTest);

TEST_P(TaskTest, AListenerMayBeACoroutine) {
  const Subscription listener = dispatcher->Subscribe(
      [this](const Asked& asked) -> Task<> {
        const Local local(*this);
        Note(std::to_string(asked.number));
        co_return;
      },
      Options());
  ASSERT_EQ(listener.status(), absl::OkStatus());
  EXPECT_TRUE(dispatcher->Publish(Asked{7}));
  Settle();
  EXPECT_EQ(notes(), Notes{"7"});
  EXPECT_EQ(OnlyListener().deliveries.handled, 1U);
}

TEST_P(TaskTest, F1_O2_ItWaitsForACompletionAndTheNextEventWaitsForIt) {
  std::vector<Completion<int>> answers(2);
  const Subscription listener = dispatcher->Subscribe(
      [&](const Asked& asked) -> Task<> {
        const Local local(*this);
        Note("asked " + std::to_string(asked.number));
        const int answer = co_await answers.at(static_cast<std::size_t>(asked.number));
        Note(std::to_string(asked.number) + " got " + std::to_string(answer));
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{0}));
  EXPECT_TRUE(dispatcher->Publish(Asked{1}));
  ASSERT_TRUE(Noted(1));
  RunReady();
  EXPECT_EQ(notes(), Notes{"asked 0"});
  EXPECT_EQ(OnlyListener().deliveries.running, 1U);
  EXPECT_EQ(OnlyListener().deliveries.queued, 1U);
  EXPECT_EQ(dispatcher->Drain(1ms), DrainResult::kTimedOut);

  answers[1].Finish(11);
  answers[0].Finish(10);
  Settle();
  EXPECT_EQ(notes(), (Notes{"asked 0", "0 got 10", "asked 1", "1 got 11"}));
}

TEST_P(TaskTest, SeveralMayWaitAtOnce) {
  std::vector<Completion<int>> answers(3);
  ListenerOptions options = Options();
  options.concurrency = 2;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Asked& asked) -> Task<> {
        const Local local(*this);
        const int number = asked.number;
        Note("asked " + std::to_string(number));
        co_await answers.at(static_cast<std::size_t>(number));
        Note("answered " + std::to_string(number));
      },
      options);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(dispatcher->Publish(Asked{i}));
  ASSERT_TRUE(Noted(2));
  RunReady();
  EXPECT_EQ(notes().size(), 2U);
  answers[1].Finish(0);
  ASSERT_TRUE(Noted(4));
  EXPECT_EQ(notes()[2], "answered 1");
  EXPECT_EQ(notes()[3], "asked 2");
  answers[2].Finish(0);
  answers[0].Finish(0);
  Settle();
  EXPECT_EQ(notes().size(), 6U);
}

TEST_P(TaskTest, ItSleepsByTheDispatchersTimers) {
  const Subscription listener = dispatcher->Subscribe(
      [this](const Asked&) -> Task<> {
        const Local local(*this);
        Note("sleeps");
        co_await Sleep(1s);
        Note("awake");
        co_await Sleep(0s);
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(1));
  ASSERT_TRUE(Eventually([&] { return armed(); }));
  Pass(999ms);
  EXPECT_EQ(notes(), Notes{"sleeps"});
  Pass(1ms);
  Settle();
  EXPECT_EQ(notes(), (Notes{"sleeps", "awake"}));
}

Task<int> Doubled(TaskTest&, int number) {
  co_await Yield();
  if (number < 0) throw std::invalid_argument("below zero");
  co_return 2 * number;
}

TEST_P(TaskTest, ItAwaitsTasksThatReturnAndThrow) {
  const Subscription listener = dispatcher->Subscribe(
      [this](const Asked& asked) -> Task<> {
        const Local local(*this);
        Note(std::to_string(co_await Doubled(*this, asked.number)));
        try {
          co_await Doubled(*this, -1);
        } catch (const std::invalid_argument& error) {
          Note(error.what());
        }
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{21}));
  Settle();
  EXPECT_EQ(notes(), (Notes{"42", "below zero"}));
}

Task<int> One() { co_return 1; }

// Also where the compiler does not optimise.
TEST_P(TaskTest, ALoopOfTasksThatAreReadyTakesNoStack) {
  const Subscription listener = dispatcher->Subscribe(
      [this](const Asked& asked) -> Task<> {
        int sum = 0;
        for (int i = 0; i < asked.number; ++i) sum += co_await One();
        Note(std::to_string(sum));
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{300'000}));
  Settle();
  EXPECT_EQ(notes(), Notes{"300000"});
}

TEST_P(TaskTest, EventsAreCausedByItsEventAfterEachWait) {
  EventId asked_id;
  std::vector<EventId> causes;
  std::mutex mutex;
  const Subscription answered = dispatcher->Subscribe(
      [&](const Answered&, Context& context) {
        const std::lock_guard lock(mutex);
        causes.push_back(context.envelope().causation_id());
      },
      Options());
  const Subscription asked = dispatcher->Subscribe(
      [&](const Asked&, Context& context) -> Task<> {
        const Local local(*this);
        asked_id = context.envelope().id();
        EXPECT_TRUE(context.dispatcher().Publish(Answered{}));
        co_await Yield();
        EXPECT_EQ(context.envelope().id(), asked_id);
        EXPECT_TRUE(context.dispatcher().Publish(Answered{}));
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  Settle();
  EXPECT_EQ(causes, (std::vector<EventId>{asked_id, asked_id}));
}

TEST_P(TaskTest, WhatItReturnsIsPublished) {
  const Subscription answered = dispatcher->Subscribe(
      [this](const Answered& answer) { Note(std::to_string(answer.number)); }, Options());
  const Subscription asked = dispatcher->Subscribe(
      [this](const Asked& question) -> Task<Answered> {
        const Local local(*this);
        co_await Yield();
        co_return Answered{question.number + 1};
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{1}));
  Settle();
  EXPECT_EQ(notes(), Notes{"2"});
}

TEST_P(TaskTest, WhatItThrowsOrReturnsAsAnErrorIsItsFailure) {
  const Subscription throws = dispatcher->Subscribe(
      [this](const Asked&) -> Task<> {
        const Local local(*this);
        co_await Yield();
        throw std::runtime_error("it broke");
      },
      Options("throws"));
  const Subscription returns = dispatcher->Subscribe(
      [this](const Asked&) -> Task<absl::Status> {
        const Local local(*this);
        co_await Yield();
        co_return absl::UnavailableError("come again");
      },
      Options("returns"));
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  Settle();
  EXPECT_EQ(StatsOf<Asked>().deliveries.dead, 2U);
  EXPECT_NE(log().find("it broke"), std::string::npos);
  EXPECT_NE(log().find("come again"), std::string::npos);
}

TEST_P(TaskTest, ItIsTriedAgainFromTheStart) {
  ListenerOptions options = Options();
  options.retry = {.attempts_max = 3, .delay = 1s};
  int attempts = 0;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        co_await Yield();
        Note("attempt");
        if (++attempts < 3) throw std::runtime_error("not yet");
      },
      options);
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  for (std::size_t i = 1; i < 3; ++i) {
    ASSERT_TRUE(Noted(i));
    ASSERT_TRUE(Eventually([&] { return armed(); }));
    Pass(*timers.next());
  }
  Settle();
  EXPECT_EQ(OnlyListener().deliveries.handled, 1U);
}

TEST_P(TaskTest, WhoYieldsLetsOthersHaveTheirTurn) {
  bool told = false;
  const Subscription waits = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        while (!told) co_await Yield();
        Note("told");
      },
      Options());
  const Subscription tells =
      dispatcher->Subscribe([&](const Answered&) { told = true; }, Options());
  const Subscription begins = dispatcher->Subscribe(
      [&](const Asked&) { EXPECT_TRUE(dispatcher->Publish(Answered{})); }, Options());
  if (mode() == Mode::kPool4) return;  // `told` is one thread's
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  Settle();
  EXPECT_EQ(notes(), Notes{"told"});
}

TEST_P(TaskTest, AFilterOnceAndAKeyAreAsForAnyListener) {
  ListenerOptions options = Options();
  options.filter = [](const Asked& asked) { return asked.number > 0; };
  options.key = [](const Asked& asked) { return asked.number; };
  options.once = true;
  const Subscription listener = dispatcher->Subscribe(
      [this](const Asked& asked) -> Task<> {
        const Local local(*this);
        co_await Yield();
        Note(std::to_string(asked.number));
      },
      options);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(dispatcher->Publish(Asked{i}));
  Settle();
  EXPECT_EQ(notes(), Notes{"1"});
}

}  // namespace
}  // namespace belfry
