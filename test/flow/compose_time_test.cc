// Compositions and time: limits, windows, silence; what is late.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "flow/compose_fixture.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class ComposeTimeTest : public ComposeTest {
 protected:
  static SignUpFailed Fail(const GotParts& got, const MissingParts& missing) {
    const auto* const stored = got.Get<UserStored>();
    std::string all;
    for (const std::string& part : missing) all += part + ";";
    return {stored == nullptr ? -1 : stored->user, all};
  }
};

// --- Within ---

TEST_P(ComposeTimeTest, F3_WhatIsNotCompleteInTimeTimesOut) {
  const Collected<SignUpFailed> failed(*dispatcher);
  const Composition composition = SignUp().OnTimeout(Fail).Start();
  Publish(UserStored{7});
  Advance(seconds(3));
  Publish(MailAccepted{7}, UserStored{8});
  Advance(seconds(2) - Nanoseconds(1));
  EXPECT_THAT(failed.events(), IsEmpty());
  Advance(Nanoseconds(1));
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed.at(0).user, 7);
  EXPECT_EQ(failed.at(0).missing, "belfry::TemplateRead;");
  Advance(seconds(3));
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(failed.at(1).user, 8);
  EXPECT_EQ(composition.GetStats().timed_out, 2U);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeTimeTest, F3_WhatIsCompleteDoesNotTimeOut) {
  const Collected<SignUpFailed> failed(*dispatcher);
  const Collected<CompositionDue> due(*dispatcher);
  const Composition composition = SignUp().OnTimeout(Fail).Start();
  Publish(UserStored{7}, TemplateRead{7}, MailAccepted{7});
  Advance(seconds(4));
  Publish(UserStored{8});
  Advance(seconds(4));
  Publish(TemplateRead{8}, MailAccepted{8});
  Advance(minutes(1));
  EXPECT_THAT(failed.events(), IsEmpty());
  EXPECT_THAT(due.size(), 0U) << "its timer says nothing when nothing is due";
  EXPECT_EQ(timers.next(), std::nullopt);
}

TEST_P(ComposeTimeTest, ManyTimeOutsComeInTheOrderOfTheirBeginnings) {
  const Collected<SignUpFailed> failed(*dispatcher);
  const Composition composition = SignUp().OnTimeout(Fail).Start();
  for (int user = 0; user < 1000; ++user) Publish(UserStored{user});
  Advance(seconds(5));
  ASSERT_TRUE(Eventually([&] {
    timers.Advance(milliseconds(1));  // 256 are handled at once; what had no room comes later
    if (manual != nullptr) manual->RunUntilIdle();
    return failed.size() == 1000U;
  }));
  const std::vector<SignUpFailed> events = failed.events();
  for (int user = 0; user < 1000; ++user) {
    EXPECT_EQ(events[static_cast<std::size_t>(user)].user, user);
  }
}

TEST_P(ComposeTimeTest, ATimeOutMayEmitNothing) {
  std::atomic<int> told{0};
  const Composition plain = SignUp({.name = "plain"}).Start();
  const Composition silent = SignUp({.name = "silent"})
                                 .OnTimeout([&](const GotParts& got, const MissingParts& missing) {
                                   EXPECT_EQ(got.names().size() + missing.size(), 3U);
                                   ++told;
                                 })
                                 .Start();
  const Composition maybe = SignUp({.name = "maybe"})
                                .OnTimeout([](const GotParts&, const MissingParts&) {
                                  return std::optional<SignUpFailed>();
                                })
                                .Start();
  Publish(UserStored{7});
  Advance(seconds(5));
  EXPECT_EQ(told, 1);
  for (const Composition* each : {&plain, &silent, &maybe}) {
    EXPECT_EQ(each->GetStats().timed_out, 1U);
  }
}

// --- Late ---

TEST_P(ComposeTimeTest, F3_APartAfterTheEndIsToldAsLate) {
  const Collected<CompositionLate> late(*dispatcher);
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const EventId id = dispatcher->NewEventId();
  const Composition composition = SignUp().Start();
  Publish(UserStored{7}, TemplateRead{7}, MailAccepted{7});
  dispatcher->Publish(MailAccepted{7}, {.id = id});
  Publish(UserStored{8});
  Advance(seconds(5));
  Publish(TemplateRead{8});
  ASSERT_EQ(late.size(), 2U);
  EXPECT_EQ(late.at(0).composition, "signup");
  EXPECT_EQ(late.at(0).key, "7");
  EXPECT_EQ(late.at(0).part, "belfry::MailAccepted");
  EXPECT_EQ(late.at(0).event_id, id);
  EXPECT_EQ(late.at(0).after, CompositionEnd::kCompleted);
  EXPECT_EQ(late.at(1).key, "8");
  EXPECT_EQ(late.at(1).after, CompositionEnd::kTimedOut);
  EXPECT_EQ(signed_up.size(), 1U);
  EXPECT_EQ(composition.GetStats().late, 2U);
}

TEST_P(ComposeTimeTest, AKeyIsForgottenAfterAsLongAsItsTimeWas) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition = SignUp().Start();
  for (int round = 0; round < 2; ++round) {
    Publish(UserStored{7}, TemplateRead{7}, MailAccepted{7});
    Advance(seconds(5) - Nanoseconds(1));
    Publish(UserStored{7});
    EXPECT_EQ(composition.GetStats().late, static_cast<std::uint64_t>(round) + 1);
    Advance(Nanoseconds(1));
  }
  EXPECT_EQ(signed_up.size(), 2U);
}

TEST_P(ComposeTimeTest, WithoutALimitAKeyBeginsAgainAtOnce) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const auto make = [&](CompositionOptions options) {
    return Compose<UserSignedUp>(*dispatcher, std::move(options))
        .AllOf<UserStored, TemplateRead>()
        .By(kByUser)
        .Emit([](const UserStored& e, const TemplateRead&) { return UserSignedUp{e.user}; })
        .Start();
  };
  const Composition forgetful = make({.name = "forgetful"});
  const Composition remembering = make({.name = "remembering", .remember = minutes(1)});
  Publish(UserStored{7}, TemplateRead{7}, UserStored{7}, TemplateRead{7});
  EXPECT_EQ(forgetful.GetStats().completed, 2U);
  EXPECT_EQ(remembering.GetStats().completed, 1U);
  EXPECT_EQ(remembering.GetStats().late, 2U);
}

TEST_P(ComposeTimeTest, StoriesAreRememberedUntilThereAreTooMany) {
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "bounded", .remembered_max = 2})
          .AnyOf<UserStored>()
          .Emit([](const UserStored& e) { return UserSignedUp{e.user}; })
          .Start();
  std::vector<Cause> stories;
  for (int i = 0; i < 3; ++i) {
    const EventId root = dispatcher->NewEventId();
    stories.push_back({root, root});
    dispatcher->Publish(UserStored{i}, {.cause = stories.back()});
  }
  Advance(minutes(60));
  for (const Cause& story : {stories[2], stories[1]}) {
    dispatcher->Publish(UserStored{9}, {.cause = story});
  }
  EXPECT_EQ(composition.GetStats().late, 2U);
  dispatcher->Publish(UserStored{9}, {.cause = stories[0]});
  EXPECT_EQ(composition.GetStats().late, 2U);
  EXPECT_EQ(composition.GetStats().completed, 4U);
}

// --- Count ---

TEST_P(ComposeTimeTest, SoManyWithinAWindowAreCounted) {
  const Collected<UserSignedUp> emitted(*dispatcher);
  const Composition composition = Compose<UserSignedUp>(*dispatcher, {.name = "count"})
                                      .Count<UserStored>(3)
                                      .By(kByUser)
                                      .Within(seconds(10))
                                      .Emit([](const std::vector<const UserStored*>& events) {
                                        std::string all;
                                        for (const UserStored* event : events) all += event->email;
                                        return UserSignedUp{events.front()->user, all};
                                      })
                                      .Start();
  Publish(UserStored{1, "a"});
  Advance(seconds(6));
  Publish(UserStored{1, "b"});
  Advance(seconds(4));  // "a" is ten seconds old
  Publish(UserStored{1, "c"}, UserStored{2, "x"});
  EXPECT_THAT(emitted.events(), IsEmpty());
  EXPECT_THAT(composition.GetOpen().at(0).missing, ElementsAre("1 belfry::UserStored"));
  Advance(seconds(5));
  Publish(UserStored{1, "d"});
  ASSERT_EQ(emitted.size(), 1U);
  EXPECT_EQ(emitted.at(0).email, "bcd");
  EXPECT_EQ(emitted.links(0).size(), 3U);
  // It begins again, and lapses when all are too old.
  Publish(UserStored{1, "e"}, UserStored{1, "f"});
  Advance(seconds(10));
  EXPECT_EQ(composition.GetStats().lapsed, 2U);
  EXPECT_EQ(composition.GetStats().open, 0U);
  Publish(UserStored{1, "g"});
  EXPECT_EQ(emitted.size(), 1U);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeTimeTest, WithoutAWindowAllAreCounted) {
  const Collected<UserSignedUp> emitted(*dispatcher);
  const Composition composition = Compose<UserSignedUp>(*dispatcher, {.name = "count"})
                                      .Count<UserStored>(2)
                                      .By(kByUser)
                                      .Emit([](const std::vector<const UserStored*>& all) {
                                        return UserSignedUp{static_cast<int>(all.size())};
                                      })
                                      .Start();
  for (int i = 0; i < 5; ++i) {
    Publish(UserStored{1});
    Advance(minutes(60));
  }
  EXPECT_EQ(emitted.size(), 2U);
  EXPECT_EQ(composition.GetStats().open, 1U);
}

// --- Silence ---

TEST_P(ComposeTimeTest, SilenceIsToldOnceForEachKey) {
  const Collected<UserSignedUp> lost(*dispatcher);
  const Composition composition = Compose<UserSignedUp>(*dispatcher, {.name = "heartbeat"})
                                      .Absent<UserStored>(seconds(10))
                                      .By(kByUser)
                                      .Emit([](const UserStored& last) {
                                        return UserSignedUp{last.user, last.email};
                                      })
                                      .Start();
  Advance(minutes(1));
  Publish(UserStored{1, "a"}, UserStored{2, "x"});
  Advance(seconds(9));
  Publish(UserStored{1, "b"});
  Advance(seconds(9));
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost.at(0).user, 2);
  EXPECT_EQ(ToString(composition.GetOpen().at(0)),
            "composition heartbeat, key 1: has belfry::UserStored, waits for quiet until "
            "+79.000s");
  Advance(seconds(1));
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_EQ(lost.at(1).email, "b");
  EXPECT_EQ(lost.links(1).size(), 1U);
  Advance(minutes(1));
  EXPECT_EQ(lost.size(), 2U);
  Publish(UserStored{1, "c"});  // it is back
  Advance(seconds(10));
  EXPECT_EQ(lost.size(), 3U);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeTimeTest, SilenceMayBeginWithAnotherEvent) {
  const Collected<UserSignedUp> lost(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "started"})
          .AbsentAfter<Begun, UserStored>(seconds(10))
          .By(kByUser)
          .Emit([](const Begun& begun, const UserStored* last) {
            return UserSignedUp{begun.user, last == nullptr ? "none" : last->email};
          })
          .Start();
  Publish(UserStored{3}, Begun{1}, Begun{2});
  Advance(seconds(5));
  Publish(UserStored{2, "a"}, UserStored{2, "b"});
  Advance(seconds(5));
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost.at(0).email, "none");
  Advance(seconds(5));
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_EQ(lost.at(1).email, "b");
  EXPECT_EQ(lost.links(1).size(), 2U);
  EXPECT_EQ(composition.GetStats().out_of_order, 1U);
}

TEST_P(ComposeTimeTest, TheLastOneComesAfterQuiet) {
  const Collected<UserSignedUp> settled(*dispatcher);
  const Composition composition = Compose<UserSignedUp>(*dispatcher, {.name = "debounce"})
                                      .Debounce<UserStored>(milliseconds(300))
                                      .By(kByUser)
                                      .Within(seconds(1))
                                      .Emit([](const UserStored& last) {
                                        return UserSignedUp{last.user, last.email};
                                      })
                                      .Start();
  Publish(UserStored{1, "s"}, UserStored{1, "se"});
  Advance(milliseconds(200));
  Publish(UserStored{1, "sea"});
  Advance(milliseconds(299));
  EXPECT_THAT(settled.events(), IsEmpty());
  Advance(milliseconds(1));
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled.at(0).email, "sea");
  // Who never stops typing is heard after a second.
  for (int i = 0; i < 6; ++i) {
    Publish(UserStored{1, std::to_string(i)});
    Advance(milliseconds(200));
  }
  ASSERT_EQ(settled.size(), 2U);
  EXPECT_EQ(settled.at(1).email, "4");
}

BELFRY_IN_EVERY_MODE(ComposeTimeTest);

}  // namespace
}  // namespace belfry
