// Compositions in a world: in virtual time, and in every order.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "belfry/flow/compose.h"
#include "belfry/flow_events.h"
#include "belfry/testing/explore.h"
#include "belfry/testing/matchers.h"
#include "belfry/testing/world.h"

namespace belfry {
namespace {

using std::chrono::seconds;
using testing::ExploreOptions;
using testing::ExploreReport;
using testing::World;

struct SignUpWanted {
  int user = 0;
};
struct UserStored {
  int user = 0;
};
struct MailAccepted {
  int user = 0;
};
struct UserSignedUp {
  int user = 0;
};
struct SignUpFailed {
  int user = 0;
};

// A store and a mail server that answer when they like, at the latest in six seconds.
struct SignUps {
  explicit SignUps(World& world)
      : composition(Compose<UserSignedUp>(world.dispatcher(), {.name = "signup"})
                        .AllOf<UserStored, MailAccepted>()
                        .Within(seconds(5))
                        .Emit([](const UserStored& stored, const MailAccepted&) {
                          return UserSignedUp{stored.user};
                        })
                        .OnTimeout([](const GotParts& got, const MissingParts&) {
                          return SignUpFailed{got.Get<UserStored>() == nullptr ? 0 : 1};
                        })
                        .Undo<UserStored>([this](const UserStored&) { --rows; })
                        .Undo<MailAccepted>([this](const MailAccepted&) { --mails; })
                        .Start()) {
    Dispatcher& dispatcher = world.dispatcher();
    subscriptions.push_back(dispatcher.Subscribe(
        [this, &dispatcher](const SignUpWanted& wanted) {
          ++rows;
          dispatcher.Publish(UserStored{wanted.user});
        },
        {.name = "store"}));
    subscriptions.push_back(dispatcher.Subscribe(
        [this, &world](const SignUpWanted& wanted) {
          world.FinishLater("the mail", seconds(5), [this, &world, user = wanted.user] {
            ++mails;
            world.dispatcher().Publish(MailAccepted{user});
          });
        },
        {.name = "mail"}));
    subscriptions.push_back(
        dispatcher.Subscribe([this](const UserSignedUp&) { ++good; }, {.name = "good"}));
    subscriptions.push_back(
        dispatcher.Subscribe([this](const SignUpFailed&) { ++bad; }, {.name = "bad"}));
  }

  int rows = 0;
  int mails = 0;
  int good = 0;
  int bad = 0;
  Composition composition;
  std::vector<Subscription> subscriptions;
};

TEST(ComposeWorldTest, TimeOutsComeInVirtualTime) {
  World world;
  SignUps sign_ups(world);
  world.dispatcher().Publish(UserStored{1});
  EXPECT_THAT(world.RunFor(seconds(4)).waiting, ::testing::SizeIs(1));
  EXPECT_EQ(sign_ups.bad, 0);
  world.RunFor(seconds(1));
  EXPECT_EQ(sign_ups.bad, 1);
  world.Expect(testing::Published<SignUpFailed>());
}

// What is complete leaves nothing behind that a record would show.
TEST(ComposeWorldTest, ATimerThatFindsNothingSaysNothing) {
  World world;
  SignUps sign_ups(world);
  const EventId root = world.dispatcher().NewEventId();
  world.dispatcher().Publish(UserStored{1}, {.cause = Cause{root, root}});
  world.dispatcher().Publish(MailAccepted{1}, {.cause = Cause{root, root}});
  world.RunFor(seconds(10));
  EXPECT_EQ(sign_ups.good, 1);
  EXPECT_EQ(world.record().events.size(), 3U);
  EXPECT_THAT(world.waiting(), ::testing::IsEmpty());
}

TEST(ComposeWorldTest, AFailingExpectationSaysWhatIsMissing) {
  World world;
  SignUps sign_ups(world);
  world.dispatcher().Publish(UserStored{1});
  world.Run();
  const std::string text = testing::Published<UserSignedUp>().Check(world);
  EXPECT_THAT(text,
              ::testing::HasSubstr("waited for: composition signup, key 0000000000000001-1: has "));
  EXPECT_THAT(text, ::testing::HasSubstr("MailAccepted until +5.000s\n"));
}

// The last part and the time-out are due at the same moment: in every order one of them ends it,
// and what is undone is what was done.
TEST(ComposeWorldTest, InEveryOrderThereIsOneEnd) {
  ExploreOptions options;
  options.strategy = testing::Strategy::kAll;
  options.world.late_by = seconds(1);
  bool completed = false;
  bool timed_out = false;
  const ExploreReport report = testing::Explore(options, [&](World& world) {
    SignUps sign_ups(world);
    world.dispatcher().Publish(SignUpWanted{1});
    world.RunFor(seconds(20));
    EXPECT_EQ(sign_ups.composition.GetStats().open, 0U);
    EXPECT_EQ(sign_ups.good, sign_ups.rows);
    EXPECT_EQ(sign_ups.good, sign_ups.mails) << "also where it came too late";
    EXPECT_EQ(sign_ups.good + sign_ups.bad, 1);
    completed = completed || sign_ups.good == 1;
    timed_out = timed_out || sign_ups.bad == 1;
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete) << report.Describe();
  EXPECT_TRUE(completed);
  EXPECT_TRUE(timed_out);
}

}  // namespace
}  // namespace belfry
