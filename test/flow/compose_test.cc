// What compositions emit, and when.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "flow/compose_fixture.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// --- All, any, some, one after the other ---

TEST_P(ComposeTest, AllPartsInAnyOrderBecomeOneEvent) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition = SignUp().Start();
  ASSERT_TRUE(composition.status().ok());
  Publish(MailAccepted{7}, UserStored{7, "ada"});
  EXPECT_THAT(signed_up.events(), IsEmpty());
  Publish(TemplateRead{7});
  ASSERT_EQ(signed_up.size(), 1U);
  EXPECT_EQ(signed_up.at(0).user, 7);
  EXPECT_EQ(signed_up.at(0).email, "ada");
  EXPECT_EQ(composition.GetStats().completed, 1U);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeTest, KeysAreApart) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition = SignUp().Start();
  Publish(UserStored{1}, TemplateRead{2}, MailAccepted{3}, TemplateRead{1}, MailAccepted{2});
  EXPECT_THAT(signed_up.events(), IsEmpty());
  EXPECT_EQ(composition.GetStats().open, 3U);
  Publish(MailAccepted{1}, UserStored{2});
  ASSERT_EQ(signed_up.size(), 2U);
  EXPECT_EQ(signed_up.at(0).user, 1);
  EXPECT_EQ(signed_up.at(1).user, 2);
}

// Without By what belongs to one story belongs together.
TEST_P(ComposeTest, PartsOfOneStoryBelongTogether) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Subscription begun = dispatcher->Subscribe(
      [&](const Begun& e) {
        dispatcher->Publish(UserStored{e.user});
        dispatcher->Publish(TemplateRead{e.user});
      },
      Options("begin"));
  const Composition composition = Compose<UserSignedUp>(*dispatcher, {.name = "signup"})
                                      .AllOf<UserStored, TemplateRead>()
                                      .Emit([](const UserStored& stored, const TemplateRead& read) {
                                        EXPECT_EQ(stored.user, read.user);
                                        return UserSignedUp{stored.user};
                                      })
                                      .Start();
  Publish(Begun{1}, Begun{2});
  EXPECT_EQ(signed_up.size(), 2U);
  Publish(UserStored{3}, TemplateRead{3});  // two stories
  EXPECT_EQ(signed_up.size(), 2U);
  EXPECT_EQ(composition.GetStats().open, 2U);
}

TEST_P(ComposeTest, KeysAreNumbersTextsAndEnumerators) {
  enum class Color { kRed = 7 };
  struct Long {
    long number = 0;
  };
  struct Short {
    short number = 0;
  };
  struct Named {
    std::string text{};
  };
  struct Pointed {
    const char* text = "";
  };
  struct Colored {
    Color color{};
  };
  const Collected<Begun> numbers(*dispatcher);
  const Composition by_number =
      Compose<Begun>(*dispatcher, {.name = "numbers"})
          .AllOf<Long, Short, Colored>()
          .By([](const Long& e) { return e.number; }, [](const Short& e) { return e.number; },
              [](const Colored& e) { return e.color; })
          .Emit([](const Long& e, const Short&, const Colored&) {
            return Begun{static_cast<int>(e.number)};
          })
          .Start();
  const Composition by_text = Compose<Begun>(*dispatcher, {.name = "texts"})
                                  .AllOf<Named, Pointed>()
                                  .By([](const auto& e) { return e.text; })
                                  .Emit([](const Named&, const Pointed&) { return Begun{1}; })
                                  .Start();
  Publish(Long{-7}, Short{7}, Colored{Color::kRed}, Named{"a"}, Pointed{"b"});
  EXPECT_THAT(numbers.events(), IsEmpty());
  Publish(Long{7});
  ASSERT_EQ(numbers.size(), 1U);
  EXPECT_EQ(numbers.at(0).user, 7);
  Publish(Pointed{"a"});
  EXPECT_EQ(numbers.size(), 2U);
}

TEST_P(ComposeTest, TheFirstOfAnyIsEnough) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "any", .remember = seconds(1)})
          .AnyOf<TemplateRead, MailAccepted>()
          .By(kByUser)
          .Emit([](const auto& part) { return UserSignedUp{part.user}; })
          .Start();
  Publish(MailAccepted{1}, TemplateRead{1}, TemplateRead{2});
  ASSERT_EQ(signed_up.size(), 2U);
  EXPECT_EQ(signed_up.at(0).user, 1);
  EXPECT_EQ(signed_up.at(1).user, 2);
  EXPECT_EQ(composition.GetStats().late, 1U);
}

TEST_P(ComposeTest, SoManyOfThePartsAreEnough) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "some", .remember = seconds(1)})
          .NOf<UserStored, TemplateRead, MailAccepted>(2)
          .By(kByUser)
          .Emit([](const UserStored* stored, const TemplateRead* read, const MailAccepted* mail) {
            EXPECT_EQ(stored, nullptr);
            EXPECT_TRUE(read != nullptr && mail != nullptr);
            return UserSignedUp{read->user};
          })
          .Start();
  Publish(MailAccepted{1}, MailAccepted{1});
  EXPECT_THAT(signed_up.events(), IsEmpty());
  Publish(TemplateRead{1}, UserStored{1});
  EXPECT_EQ(signed_up.size(), 1U);
  EXPECT_EQ(composition.GetStats().duplicates, 1U);
  EXPECT_EQ(composition.GetStats().late, 1U);
}

TEST_P(ComposeTest, ASequenceTakesItsPartsInOrderOnly) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "sequence"})
          .Sequence<UserStored, TemplateRead, MailAccepted>()
          .By(kByUser)
          .Emit([](const UserStored& stored, const TemplateRead&, const MailAccepted&) {
            return UserSignedUp{stored.user, stored.email};
          })
          .Start();
  Publish(TemplateRead{1});  // nothing is open
  EXPECT_EQ(composition.GetStats().opened, 0U);
  Publish(UserStored{1, "first"}, MailAccepted{1}, UserStored{1, "second"}, TemplateRead{1});
  EXPECT_THAT(signed_up.events(), IsEmpty());
  Publish(MailAccepted{1});
  ASSERT_EQ(signed_up.size(), 1U);
  EXPECT_EQ(signed_up.at(0).email, "first");
  EXPECT_EQ(composition.GetStats().out_of_order, 2U);
  EXPECT_EQ(composition.GetStats().duplicates, 1U);
}

// --- Events of one type in two roles ---

TEST_P(ComposeTest, EventsOfOneTypeAreSeveralPartsByTheirFilters) {
  const Collected<UserSignedUp> emitted(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "roles"})
          .AllOf(Part<UserStored>{.name = "work",
                                  .filter = [](const UserStored& e) { return e.email == "work"; }},
                 Part<UserStored>{.name = "home",
                                  .filter = [](const UserStored& e) { return e.email == "home"; }})
          .By(kByUser)
          .Emit([](const UserStored& work, const UserStored& home) {
            return UserSignedUp{work.user, work.email + "+" + home.email};
          })
          .Start();
  Publish(UserStored{1, "other"}, UserStored{1, "home"}, UserStored{1, "home"});
  const std::vector<OpenComposition> open = composition.GetOpen();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(ToString(open.at(0)), "composition roles, key 1: has home, waits for work");
  Publish(UserStored{1, "work"});
  ASSERT_EQ(emitted.size(), 1U);
  EXPECT_EQ(emitted.at(0).email, "work+home");
  EXPECT_EQ(composition.GetStats().duplicates, 1U);
  EXPECT_EQ(StatsOf<UserStored>().deliveries.filtered, 1U);  // the other one
}

TEST_P(ComposeTest, AnEventIsOnePartOnly) {
  const Collected<UserSignedUp> emitted(*dispatcher);
  const Composition composition = Compose<UserSignedUp>(*dispatcher, {.name = "twice"})
                                      .AllOf<UserStored, UserStored>()
                                      .By(kByUser)
                                      .Emit([](const UserStored& first, const UserStored& second) {
                                        return UserSignedUp{1, first.email + second.email};
                                      })
                                      .Start();
  Publish(UserStored{1, "a"});
  EXPECT_THAT(emitted.events(), IsEmpty());
  Publish(UserStored{1, "b"});
  ASSERT_EQ(emitted.size(), 1U);
  EXPECT_EQ(emitted.at(0).email, "ab");
}

// --- Causes ---

TEST_P(ComposeTest, WhatIsEmittedIsLinkedToAllItsCauses) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Collected<UserStored> stored(*dispatcher);
  const Composition composition = SignUp().Start();
  std::vector<EventId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(dispatcher->NewEventId());
  dispatcher->Publish(MailAccepted{7}, {.id = ids[0]});
  dispatcher->Publish(UserStored{7}, {.id = ids[1]});
  dispatcher->Publish(TemplateRead{7}, {.id = ids[2], .baggage = {{"tenant", "acme"}}});
  Settle();
  EXPECT_EQ(signed_up.links(0), ids);
  EXPECT_EQ(signed_up.cause(0).causation, ids[2]);
  // Three stories become a fourth one.
  for (const EventId& id : ids) EXPECT_NE(signed_up.cause(0).correlation, id);
  EXPECT_EQ(signed_up.baggage(0), "acme");
}

TEST_P(ComposeTest, WhatIsEmittedBelongsToTheStoryOfItsParts) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const EventId root = dispatcher->NewEventId();
  const EventId last = dispatcher->NewEventId();
  const Composition composition = SignUp().Start();
  dispatcher->Publish(UserStored{7}, {.cause = Cause{root, root}});
  dispatcher->Publish(TemplateRead{7}, {.cause = Cause{root, root}});
  dispatcher->Publish(MailAccepted{7}, {.cause = Cause{root, root}, .id = last});
  Settle();
  EXPECT_EQ(signed_up.cause(0).correlation, root);
  EXPECT_EQ(signed_up.cause(0).causation, last);
}

TEST_P(ComposeTest, ATimeOutBelongsToTheStoryOfItsParts) {
  const Collected<SignUpFailed> failed(*dispatcher);
  const EventId root = dispatcher->NewEventId();
  const std::vector<EventId> ids{dispatcher->NewEventId(), dispatcher->NewEventId()};
  const Composition composition =
      SignUp()
          .OnTimeout([](const GotParts&, const MissingParts&) { return SignUpFailed{}; })
          .Start();
  dispatcher->Publish(UserStored{7}, {.cause = Cause{root, root}, .id = ids[0]});
  dispatcher->Publish(TemplateRead{7},
                      {.cause = Cause{root, root}, .id = ids[1], .baggage = {{"tenant", "acme"}}});
  Settle();
  Advance(seconds(5));
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed.cause(0).correlation, root);
  EXPECT_EQ(failed.cause(0).causation, ids[1]);
  EXPECT_EQ(failed.links(0), ids);
  EXPECT_EQ(failed.baggage(0), "acme");
}

TEST_P(ComposeTest, EmitMayEmitNothing) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "maybe"})
          .AnyOf<UserStored>()
          .By(kByUser)
          .Emit([](const UserStored& stored) -> std::optional<UserSignedUp> {
            if (stored.user < 0) return std::nullopt;
            return UserSignedUp{stored.user};
          })
          .Start();
  Publish(UserStored{-1}, UserStored{1});
  ASSERT_EQ(signed_up.size(), 1U);
  EXPECT_EQ(signed_up.at(0).user, 1);
  EXPECT_EQ(composition.GetStats().completed, 2U);
}

// --- What is open ---

TEST_P(ComposeTest, WhatIsOpenIsListed) {
  const Composition composition = SignUp().Start();
  Publish(UserStored{7});
  Advance(seconds(1));
  Publish(MailAccepted{7}, TemplateRead{8});
  const std::vector<OpenComposition> open = composition.GetOpen();
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open.at(0).name, "signup");
  EXPECT_EQ(open.at(0).key, "7");
  EXPECT_THAT(open.at(0).got, ElementsAre("belfry::UserStored", "belfry::MailAccepted"));
  EXPECT_THAT(open.at(0).missing, ElementsAre("belfry::TemplateRead"));
  EXPECT_EQ(open.at(0).until, SteadyTime(seconds(5)));
  EXPECT_EQ(open.at(1).until, SteadyTime(seconds(6)));
  EXPECT_EQ(ToString(open.at(1)),
            "composition signup, key 8: has belfry::TemplateRead, waits for belfry::UserStored, "
            "belfry::MailAccepted until +6.000s");
  EXPECT_THAT(dispatcher->SourcesWaitFor(),
              ElementsAre(ToString(open.at(0)), ToString(open.at(1))));
  for (int user = 100; user < 120; ++user) Publish(UserStored{user});
  EXPECT_EQ(dispatcher->SourcesWaitFor().size(), 11U);
  EXPECT_EQ(dispatcher->SourcesWaitFor().back(), "composition signup: 12 more");
}

TEST_P(ComposeTest, WhatCannotStartSaysWhy) {
  const auto emit = [](const UserStored&) { return UserSignedUp{}; };
  const Composition without =
      Compose<UserSignedUp>(*dispatcher, {.name = "mute"}).AllOf<UserStored>().Start();
  EXPECT_FALSE(without);
  EXPECT_EQ(without.status().ToString(),
            "INVALID_ARGUMENT: composition \"mute\": it needs an Emit");
  const Composition none = Compose<UserSignedUp>(*dispatcher, {.name = "none", .open_max = 0})
                               .AllOf<UserStored>()
                               .Emit(emit)
                               .Start();
  EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument);
  dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
  const Composition late =
      Compose<UserSignedUp>(*dispatcher).AllOf<UserStored>().Emit(emit).Start();
  EXPECT_FALSE(late);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ComposeWithoutTimersTest, ASynchronousDispatcherNeedsTimersForAnyLimit) {
  Dispatcher dispatcher({.synchronous = true, .log = [](LogLevel, std::string_view) {}});
  const auto make = [&] {
    return Compose<UserSignedUp>(dispatcher).AllOf<UserStored>().Emit([](const UserStored& stored) {
      return UserSignedUp{stored.user};
    });
  };
  const Composition timed = make().Within(seconds(1)).Start();
  EXPECT_EQ(timed.status().code(), absl::StatusCode::kFailedPrecondition);
  const Composition untimed = make().Start();
  EXPECT_TRUE(untimed.status().ok());
  const Collected<UserSignedUp> signed_up(dispatcher);
  dispatcher.Publish(UserStored{1});
  EXPECT_EQ(signed_up.size(), 1U);
}

BELFRY_IN_EVERY_MODE(ComposeTest);

}  // namespace
}  // namespace belfry
