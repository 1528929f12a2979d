// Tasks that wait for events.
#include "belfry/flow/expect.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "belfry/flow/event_stream.h"
#include "flow/task_fixture.h"

namespace belfry {
namespace {

struct Asked {
  int number = 0;
};
struct Wanted {
  int number = 0;
};
struct Accepted {
  int number = 0;
};

class ExpectTest : public TaskTest {
 protected:
  // Accepts what is wanted.
  Subscription Accepting() {
    return dispatcher->Subscribe(
        [](const Wanted& wanted, Context& context) {
          context.dispatcher().Publish(Accepted{wanted.number});
        },
        Options("accepts"));
  }
};

BELFRY_IN_TASK_MODES(ExpectTest);

TEST_P(ExpectTest, WhatComesBeforeItIsAwaitedIsNotLost) {
  const Subscription accepts = Accepting();
  const Subscription asked = dispatcher->Subscribe(
      [&](const Asked& question) -> Task<> {
        const Local local(*this);
        auto accepted = Expect<Accepted>(*dispatcher);
        dispatcher->Publish(Wanted{question.number});
        for (int i = 0; i < 3; ++i) co_await Yield();
        const std::optional<Accepted> got = co_await accepted.Get();
        EXPECT_TRUE(accepted.came());
        Note(std::to_string(got.value().number));
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{7}));
  Settle();
  EXPECT_EQ(notes(), Notes{"7"});
}

TEST_P(ExpectTest, EachStoryGetsItsOwn) {
  const Subscription accepts = Accepting();
  ListenerOptions options = Options();
  options.concurrency = 4;
  const Subscription asked = dispatcher->Subscribe(
      [&](const Asked& question) -> Task<> {
        const Local local(*this);
        const int number = question.number;
        auto accepted = Expect<Accepted>(*dispatcher);
        co_await Yield();
        dispatcher->Publish(Wanted{number});
        EXPECT_EQ((co_await accepted.Get()).value().number, number);
        Note("got its own");
      },
      options);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(dispatcher->Publish(Asked{i}));
  Settle();
  EXPECT_EQ(notes().size(), 4U);
}

TEST_P(ExpectTest, AFilterAndAnotherStory) {
  const Subscription asked = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        auto accepted = Expect<Accepted>(
            *dispatcher,
            {.filter = [](const Accepted& a) { return a.number == 2; }, .same_correlation = false});
        Note("expects");
        Note(std::to_string((co_await accepted.Get()).value().number));
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(1));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(dispatcher->Publish(Accepted{i}));
  Settle();
  EXPECT_EQ(notes(), (Notes{"expects", "2"}));
}

TEST_P(ExpectTest, NothingWhenItDoesNotComeInTime) {
  const Subscription asked = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        auto accepted = Expect<Accepted>(*dispatcher, {.within = 5s});
        co_await Sleep(3s);
        Note("waits");
        EXPECT_FALSE((co_await accepted.Get()).has_value());
        Note("too late");
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Eventually([&] { return RunReady(), armed(); }));
  Pass(3s);
  ASSERT_TRUE(Noted(1));
  ASSERT_TRUE(Eventually([&] { return armed(); }));
  Pass(1999ms);
  EXPECT_EQ(notes(), Notes{"waits"});
  Pass(1ms);
  Settle();
  EXPECT_EQ(notes(), (Notes{"waits", "too late"}));
}

TEST_P(ExpectTest, ResetEndsWhoExpects) {
  Subscription asked = dispatcher->Subscribe(
      [&](const Asked&) -> Task<> {
        const Local local(*this);
        auto accepted = Expect<Accepted>(*dispatcher);
        Note("expects");
        co_await accepted.Get();
      },
      Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(1));
  asked.Reset();
  EXPECT_EQ(dispatcher->GetStats().listeners.size(), 0U);
}

class EventStreamTest : public TaskTest {
 protected:
  // Takes `count` of them.
  Subscription Taking(EventStream<Accepted>& stream, int count) {
    return dispatcher->Subscribe(
        [this, &stream, count](const Asked&) -> Task<> {
          const Local local(*this);
          for (int i = 0; i < count; ++i) {
            const std::optional<Accepted> next = co_await stream.Next();
            Note(next.has_value() ? std::to_string(next->number) : "end");
          }
        },
        Options());
  }
};

BELFRY_IN_TASK_MODES(EventStreamTest);

TEST_P(EventStreamTest, BringsAllInOrder) {
  EventStream<Accepted> stream(*dispatcher);
  const Subscription takes = Taking(stream, 20);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(dispatcher->Publish(Accepted{i}));
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Noted(10));
  for (int i = 10; i < 20; ++i) EXPECT_TRUE(dispatcher->Publish(Accepted{i}));
  Settle();
  const Notes all = notes();
  ASSERT_EQ(all.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(all[i], std::to_string(i));
}

TEST_P(EventStreamTest, WhenItIsFull) {
  struct Case {
    WhenFull when_full;
    Notes taken;
  };
  for (const Case& c :
       {Case{WhenFull::kDropOldest, {"1", "2"}}, Case{WhenFull::kDropNewest, {"0", "1"}},
        Case{WhenFull::kEnd, {"0", "1", "end"}}}) {
    const std::size_t before = notes().size();
    EventStream<Accepted> stream(*dispatcher, {.events_max = 2, .when_full = c.when_full});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(dispatcher->Publish(Accepted{i}));
    EXPECT_EQ(stream.dropped(), 1U);
    const Subscription takes = Taking(stream, static_cast<int>(c.taken.size()));
    EXPECT_TRUE(dispatcher->Publish(Asked{}));
    Settle();
    const Notes all = notes();
    EXPECT_EQ(Notes(all.begin() + static_cast<std::ptrdiff_t>(before), all.end()), c.taken);
  }
}

TEST_P(EventStreamTest, WhoWaitsMayBeReset) {
  EventStream<Accepted> stream(*dispatcher);
  Subscription takes = Taking(stream, 1);
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  ASSERT_TRUE(Eventually([&] { return RunReady(), in_frames == 1; }));
  takes.Reset();
  EXPECT_TRUE(dispatcher->Publish(Accepted{1}));
  const Subscription again = Taking(stream, 1);
  EXPECT_TRUE(dispatcher->Publish(Asked{}));
  Settle();
  EXPECT_EQ(notes(), Notes{"1"});
}

}  // namespace
}  // namespace belfry
