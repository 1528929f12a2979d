// A story keeps its causes on whatever way it goes on, without a word of the user's.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"

#include "belfry/flow/answer.h"
#include "belfry/flow/ask.h"
#include "belfry/flow/causes_ring.h"
#include "belfry/flow/until.h"
#include "belfry/testing/causes.h"
#include "belfry/testing/world.h"
#include "waiting.h"

namespace belfry {
namespace hops {

struct Begun {};
BELFRY_EVENT_NAME(Begun, "begun", 1);
struct Ended {};
BELFRY_EVENT_NAME(Ended, "ended", 1);
struct Wanted {
  using Answer = int;
};
BELFRY_EVENT_NAME(Wanted, "wanted", 1);

using std::chrono::seconds;

// Each test's story, from Begun on.
class CausesHopsTest : public ::testing::Test {
 protected:
  Dispatcher& dispatcher() { return world.dispatcher(); }
  template <class F>
  Subscription Listen(F listener, ListenerOptions options) {
    return dispatcher().Subscribe(std::move(listener), std::move(options));
  }
  // The story with the texts of the events left out, whatever time it takes.
  std::string Story(PublishOptions options = {}) {
    EXPECT_TRUE(dispatcher().Publish(Begun{}, std::move(options)));
    world.RunFor(std::chrono::hours(1));
    std::vector<TracedEvent> events = belfry::testing::CausesIn(world.record());
    for (TracedEvent& event : events) event.name = event.name.substr(0, event.name.find('{'));
    return DescribeCauses(events, events.at(0).id);
  }

  belfry::testing::World world;
  const Subscription ended_ = world.dispatcher().Subscribe([](const Ended&) {}, {.name = "end"});
};

TEST_F(CausesHopsTest, F4_AQueue) {
  const Subscription first = Listen([](const Begun&) { return Ended{}; }, {.name = "first"});
  EXPECT_EQ(Story(),
            "begun #1\n"
            "└─ ended #2 by first\n");
}

TEST_F(CausesHopsTest, F4_ATimer) {
  const Subscription first = Listen(
      [&](const Begun&) { dispatcher().PublishAfter(seconds(5), Ended{}); }, {.name = "first"});
  EXPECT_EQ(Story(),
            "begun #1\n"
            "└─ ended #2\n");
}

TEST_F(CausesHopsTest, F4_ATimeOfTheClock) {
  const Subscription first = Listen(
      [&](const Begun&) {
        dispatcher().PublishAt(dispatcher().clock().WallNow() + seconds(5), Ended{});
      },
      {.name = "first"});
  EXPECT_EQ(Story(),
            "begun #1\n"
            "└─ ended #2\n");
}

TEST_F(CausesHopsTest, F4_AnotherAttempt) {
  int attempts = 0;
  const Subscription first = Listen(
      [&](const Begun&) {
        if (++attempts < 3) return absl::UnavailableError("busy");
        EXPECT_TRUE(dispatcher().Publish(Ended{}));
        return absl::OkStatus();
      },
      {.name = "first", .retry = {.attempts_max = 3}});
  EXPECT_EQ(Story(),
            "begun #1\n"
            "└─ ended #2 by first\n");
  EXPECT_EQ(attempts, 3);
}

TEST_F(CausesHopsTest, F4_AQuestionAndItsAnswer) {
  const Subscription answerer =
      Answer(dispatcher(), [](const Wanted&) { return 7; }, {.name = "answerer"});
  const Subscription first = Listen(
      [&](const Begun&) {
        Ask(dispatcher(), Wanted{}).Then([&](const Reply<int>&) { dispatcher().Publish(Ended{}); });
      },
      {.name = "first"});
  EXPECT_EQ(Story(),
            "begun #1\n"
            "└─ wanted #2 by first\n"
            "   └─ ended #3 by answerer\n");
}

TEST_F(CausesHopsTest, F4_AQuestionThatTimedOut) {
  const Completion<int> later;
  const Subscription answerer =
      Answer(dispatcher(), [later](const Wanted&) { return later; }, {.name = "answerer"});
  const Subscription first = Listen(
      [&](const Begun&) {
        Ask(dispatcher(), Wanted{}, {.within = seconds(1)}).Then([&](const Reply<int>&) {
          dispatcher().Publish(Ended{});
        });
      },
      {.name = "first"});
  EXPECT_EQ(Story(),
            "begun #1\n"
            "└─ wanted #2 by first\n"
            "   └─ ended #3\n");
}

TEST_F(CausesHopsTest, F4_APublishThatIsWaitedFor) {
  const Subscription model = Listen([](const Wanted&) {}, {.name = "model"});
  const Subscription first = Listen(
      [&](const Begun&) {
        PublishUntil(dispatcher(), Wanted{}, {"model"}).Then([&](const UntilOutcome&) {
          dispatcher().Publish(Ended{});
        });
      },
      {.name = "first"});
  EXPECT_THAT(Story(), ::testing::StartsWith("begun #1\n"
                                             "└─ wanted #2 by first\n"
                                             "   └─ ended #3"));
}

TEST_F(CausesHopsTest, Links) {
  const EventId connection = dispatcher().NewEventId();
  const Subscription first = Listen([](const Begun&) {}, {.name = "first"});
  EXPECT_EQ(Story({.links = {connection}}), "begun #2, linked to #1\n");
}

// The same on threads, seen by the ring of a running program.
TEST(CausesHopsLiveTest, ThreadsTimersAndAnswers) {
  CauseRing ring;
  Dispatcher dispatcher({.pool = {.threads = 4}, .observer = &ring});
  const Completion<EventId> end;
  const Subscription answerer =
      Answer(dispatcher, [](const Wanted&) { return 7; }, {.name = "answerer"});
  const Subscription first = dispatcher.Subscribe(
      [&](const Begun&) {
        Ask(dispatcher, Wanted{}, {.within = kPatience}).Then([&](const Reply<int>&) {
          dispatcher.PublishAfter(std::chrono::milliseconds(1), Ended{});
        });
      },
      {.name = "first"});
  const Subscription last = dispatcher.Subscribe(
      [&](const Ended&, Context& context) { end.Finish(context.envelope().id()); },
      {.name = "last"});
  ASSERT_TRUE(dispatcher.Publish(Begun{}));
  ASSERT_TRUE(end.WaitFor(kPatience));
  EXPECT_EQ(DescribeCauses(ring.events(), end.value()),
            "begun #1\n"
            "└─ wanted #2 by first\n"
            "   └─ ended #3\n");
}

}  // namespace hops
}  // namespace belfry
