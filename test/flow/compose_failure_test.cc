// What goes wrong in a composition, what is undone then, and its end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "flow/compose_fixture.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ComposeFailureTest : public ComposeTest {
 protected:
  // Writes down what is undone.
  template <class P>
  auto Undoing(std::string what) {
    return [this, what = std::move(what)](const P& part) {
      const std::lock_guard lock(mutex_);
      undone_.push_back(what + std::to_string(part.user));
    };
  }
  auto SignUpWithUndo(CompositionOptions options = {.name = "signup"}) {
    return SignUp(std::move(options))
        .template Undo<UserStored>(Undoing<UserStored>("user "))
        .template Undo<MailAccepted>(Undoing<MailAccepted>("mail "));
  }
  std::vector<std::string> undone() {
    const std::lock_guard lock(mutex_);
    return undone_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> undone_;
};

// --- Undo ---

TEST_P(ComposeFailureTest, ATimeOutUndoesInReverseOrderOfArrival) {
  const Composition composition = SignUpWithUndo().Start();
  Publish(UserStored{7}, MailAccepted{7});
  Advance(seconds(1));
  Publish(MailAccepted{8}, TemplateRead{8}, UserStored{9}, UserStored{8}, TemplateRead{9});
  Advance(seconds(4));
  EXPECT_THAT(undone(), ElementsAre("mail 7", "user 7"));
  Advance(seconds(1));
  EXPECT_THAT(undone(), ElementsAre("mail 7", "user 7", "user 9"));
}

TEST_P(ComposeFailureTest, WhatIsCompleteIsNotUndone) {
  const Composition composition = SignUpWithUndo().Start();
  Publish(UserStored{7}, TemplateRead{7}, MailAccepted{7});
  Advance(seconds(10));
  EXPECT_THAT(undone(), IsEmpty());
}

TEST_P(ComposeFailureTest, TheOldestIsEvictedAndUndone) {
  const Collected<CompositionEvicted> evicted(*dispatcher);
  const Collected<CompositionLate> late(*dispatcher);
  const Composition composition = SignUpWithUndo({.name = "signup", .open_max = 2}).Start();
  Publish(UserStored{1}, UserStored{2}, MailAccepted{1}, UserStored{3});
  EXPECT_THAT(undone(), ElementsAre("mail 1", "user 1"));
  ASSERT_EQ(evicted.size(), 1U);
  EXPECT_EQ(evicted.at(0).composition, "signup");
  EXPECT_EQ(evicted.at(0).key, "1");
  EXPECT_THAT(evicted.at(0).got, ElementsAre("belfry::UserStored", "belfry::MailAccepted"));
  EXPECT_THAT(evicted.at(0).missing, ElementsAre("belfry::TemplateRead"));
  Publish(TemplateRead{1});
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late.at(0).after, CompositionEnd::kEvicted);
  EXPECT_EQ(composition.GetStats().evicted, 1U);
  EXPECT_EQ(composition.GetStats().open, 2U);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeFailureTest, APartThatComesTooLateIsUndone) {
  const Composition composition = SignUpWithUndo().Start();
  Publish(TemplateRead{7}, UserStored{8}, TemplateRead{8}, MailAccepted{8});
  Advance(seconds(5));
  EXPECT_THAT(undone(), IsEmpty());
  Publish(UserStored{7}, MailAccepted{7}, UserStored{8});
  EXPECT_THAT(undone(), ElementsAre("user 7", "mail 7")) << "and nothing of what was complete";
}

// --- Unless ---

TEST_P(ComposeFailureTest, WhatIsGivenUpIsUndoneAtOnceAndOnce) {
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition =
      SignUpWithUndo()
          .Unless<SignUpFailed>(kByUser)
          .OnTimeout([](const GotParts&, const MissingParts&) { ADD_FAILURE() << "it had ended"; })
          .Start();
  Publish(UserStored{7}, UserStored{8}, MailAccepted{7}, SignUpFailed{7}, SignUpFailed{7});
  EXPECT_THAT(undone(), ElementsAre("mail 7", "user 7"));
  Publish(TemplateRead{7}, TemplateRead{8}, MailAccepted{8}, SignUpFailed{8});
  Advance(seconds(5));
  EXPECT_THAT(undone(), ElementsAre("mail 7", "user 7"));
  EXPECT_EQ(signed_up.size(), 1U) << "the other one";
  EXPECT_EQ(composition.GetStats().given_up, 1U);
  EXPECT_EQ(composition.GetStats().late, 1U);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeFailureTest, WhatComesAfterItWasGivenUpIsUndone) {
  const Collected<CompositionLate> late(*dispatcher);
  const Composition composition = SignUpWithUndo().Unless<SignUpFailed>(kByUser).Start();
  Publish(SignUpFailed{7}, UserStored{7}, TemplateRead{7}, MailAccepted{7});
  EXPECT_THAT(undone(), ElementsAre("user 7", "mail 7"));
  ASSERT_EQ(late.size(), 3U);
  EXPECT_EQ(late.at(0).after, CompositionEnd::kGivenUp);
  EXPECT_EQ(composition.GetStats().opened, 0U);
  Advance(seconds(5));
  Publish(UserStored{7}, TemplateRead{7}, MailAccepted{7});
  EXPECT_EQ(composition.GetStats().completed, 1U) << "it is forgotten as an end is";
}

TEST_P(ComposeFailureTest, WhatGivesItUpNeedsAKeyAsThePartsDo) {
  const Composition composition = SignUpWithUndo().Unless<SignUpFailed>().Start();
  EXPECT_TRUE(absl::IsInvalidArgument(composition.status())) << composition.status();
  EXPECT_THAT(std::string(composition.status().message()), HasSubstr("belfry::SignUpFailed"));
}

// --- Undo that fails ---

TEST_P(ComposeFailureTest, AFailedUndoIsADeadLetterAndTheOthersAreUndone) {
  std::atomic<bool> broken{true};
  const Composition composition =
      SignUpWithUndo()
          .Undo<TemplateRead>([&](const TemplateRead&) {
            return broken ? absl::UnavailableError("no disk") : absl::OkStatus();
          })
          .Start();
  const Collected<ListenerFailed> failures(*dispatcher);
  Publish(UserStored{7}, TemplateRead{7});
  Advance(seconds(5));
  EXPECT_THAT(undone(), ElementsAre("user 7"));
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures.at(0).listener, "signup.undo");
  const std::vector<DeadLetter> letters = dispatcher->dead_letters().List();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].As<CompositionUndo>()->part, "belfry::TemplateRead");
  EXPECT_EQ(letters[0].As<CompositionUndo>()->key, "7");
  broken = false;
  EXPECT_TRUE(dispatcher->dead_letters().Retry(letters[0].number).ok());
  Settle();
  EXPECT_EQ(dispatcher->dead_letters().size(), 0U);
  EXPECT_THAT(undone(), ElementsAre("user 7")) << "nothing is undone twice";
}

// --- Failures ---

TEST_P(ComposeFailureTest, EmitThatThrowsIsAFailureOfTheListenerAndUndone) {
  const Collected<ListenerFailed> failures(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "broken"})
          .AllOf<UserStored, MailAccepted>()
          .By(kByUser)
          .Emit([](const UserStored& stored, const MailAccepted&) -> UserSignedUp {
            throw std::runtime_error("no stamp for " + std::to_string(stored.user));
          })
          .Undo<UserStored>(Undoing<UserStored>("user "))
          .Start();
  Publish(UserStored{7}, MailAccepted{7});
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures.at(0).listener, "broken");
  EXPECT_EQ(failures.at(0).what, "no stamp for 7");
  EXPECT_THAT(undone(), ElementsAre("user 7"));
  EXPECT_EQ(composition.GetStats().failed, 1U);
  EXPECT_EQ(composition.GetStats().completed, 0U);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeFailureTest, OnTimeoutThatThrowsFailsForItsKeyAlone) {
  const Collected<ListenerFailed> failures(*dispatcher);
  const Collected<SignUpFailed> failed(*dispatcher);
  const Composition composition = SignUpWithUndo()
                                      .OnTimeout([](const GotParts& got, const MissingParts&) {
                                        const int user = got.Get<UserStored>()->user;
                                        if (user == 2) throw std::runtime_error("two");
                                        return SignUpFailed{user};
                                      })
                                      .Start();
  Publish(UserStored{1}, UserStored{2}, UserStored{3});
  Advance(seconds(5));
  Advance(milliseconds(1));
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures.at(0).listener, "signup.due");
  EXPECT_EQ(failures.at(0).what, "two");
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(failed.at(1).user, 3);
  EXPECT_THAT(undone(), ElementsAre("user 1", "user 2", "user 3"));
}

TEST_P(ComposeFailureTest, AProjectionOrAFilterThatThrowsFailsThatDelivery) {
  const Collected<ListenerFailed> failures(*dispatcher);
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Composition composition =
      Compose<UserSignedUp>(*dispatcher, {.name = "picky"})
          .AllOf(Part<UserStored>{.filter =
                                      [](const UserStored& e) {
                                        if (e.user == 1) throw std::runtime_error("filter");
                                        return true;
                                      }})
          .By([](const UserStored& e) {
            if (e.user == 2) throw std::runtime_error("key");
            return e.user;
          })
          .Emit([](const UserStored& e) { return UserSignedUp{e.user}; })
          .Start();
  Publish(UserStored{1}, UserStored{2}, UserStored{3});
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures.at(0).what, "filter");
  EXPECT_EQ(failures.at(1).what, "key");
  EXPECT_EQ(signed_up.size(), 1U);
  EXPECT_EQ(composition.GetStats().opened, 1U);
}

TEST_P(ComposeFailureTest, WhatIsEmittedComesWhenThereIsRoom) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "a queue is full for as long as the test says";
  std::vector<int> users;
  ListenerOptions options = Options("slow");
  options.queue.events_max = 1;
  options.overflow = Overflow::Reject();
  const Subscription slow = dispatcher->Subscribe(
      [&](const UserSignedUp& event) { users.push_back(event.user); }, options);
  const Composition composition = SignUpWithUndo().Start();
  for (int user = 0; user < 3; ++user) {
    dispatcher->Publish(UserStored{user});
    dispatcher->Publish(TemplateRead{user});
    dispatcher->Publish(MailAccepted{user});
  }
  EXPECT_EQ(dispatcher->GetStats().scheduled, 2U);
  EXPECT_TRUE(Eventually([&] {
    manual->RunUntilIdle();
    timers.Advance(milliseconds(100));
    return users.size() == 3;
  }));
  EXPECT_THAT(undone(), IsEmpty());
  EXPECT_EQ(composition.GetStats().completed, 3U);
}

TEST_P(ComposeFailureTest, WhatIsRefusedForGoodIsAFailureAndUndone) {
  MakeTimed([](DispatcherOptions& options) {
    options.interceptors.push_back(
        {.around_publish = [](const AnyEvent& event, PublishOptions&, PublishNext& next) {
          if (event.type() == EventTypeOf<UserSignedUp>()) {
            return PublishResult(PublishResult::Code::kIntercepted, 0);
          }
          return next();
        }});
  });
  const Collected<ListenerFailed> failures(*dispatcher);
  const Composition composition = SignUpWithUndo().Start();
  Publish(UserStored{7}, TemplateRead{7}, MailAccepted{7});
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_THAT(failures.at(0).what, HasSubstr("what it emits was refused: PERMISSION_DENIED"));
  EXPECT_THAT(undone(), ElementsAre("mail 7", "user 7"));
  EXPECT_EQ(composition.GetStats().failed, 1U);
}

// --- The end ---

TEST_P(ComposeFailureTest, AfterResetNothingIsCalledAndNothingIsKept) {
  const auto kept = std::make_shared<int>(0);
  const Collected<UserSignedUp> signed_up(*dispatcher);
  const Collected<SignUpFailed> failed(*dispatcher);
  Composition composition =
      SignUpWithUndo()
          .By([kept](const auto& part) { return part.user; })
          .OnTimeout([kept](const GotParts&, const MissingParts&) { return SignUpFailed{}; })
          .Undo<TemplateRead>([kept](const TemplateRead&) {})
          .Start();
  EXPECT_GT(kept.use_count(), 1);
  Publish(UserStored{7}, TemplateRead{7});
  EXPECT_TRUE(composition);
  EXPECT_EQ(composition.Reset(), ResetResult::kDone);
  EXPECT_FALSE(composition);
  EXPECT_EQ(kept.use_count(), 1);
  Publish(MailAccepted{7});
  Advance(seconds(10));
  EXPECT_THAT(signed_up.events(), IsEmpty());
  EXPECT_THAT(failed.events(), IsEmpty());
  EXPECT_THAT(undone(), IsEmpty());
  EXPECT_EQ(composition.GetStats().cancelled, 1U);
  EXPECT_EQ(timers.next(), std::nullopt);
  ExpectStatsBalanced(composition.GetStats());
}

TEST_P(ComposeFailureTest, EmitMayResetItsOwnComposition) {
  Composition composition;
  const auto kept = std::make_shared<int>(0);
  const Collected<UserSignedUp> signed_up(*dispatcher);
  ResetResult result = ResetResult::kDone;
  composition = Compose<UserSignedUp>(*dispatcher, {.name = "once"})
                    .AnyOf<UserStored>()
                    .Emit([&, kept](const UserStored& e) {
                      result = composition.Reset();
                      return UserSignedUp{e.user};
                    })
                    .Start();
  Publish(UserStored{1}, UserStored{2});
  EXPECT_EQ(result, ResetResult::kDeferred);
  EXPECT_EQ(signed_up.size(), 1U);
  EXPECT_EQ(kept.use_count(), 1);
}

TEST_P(ComposeFailureTest, ADrainCompletesWhatItsListenersBring) {
  if (on_publishing_thread()) GTEST_SKIP() << "nothing is queued";
  std::atomic<int> signed_up{0};
  const Subscription counting =
      dispatcher->Subscribe([&](const UserSignedUp&) { ++signed_up; }, {.run = Run::kInline});
  const Subscription begun = dispatcher->Subscribe([&](const Begun& e) {
    dispatcher->Publish(UserStored{e.user});
    dispatcher->Publish(TemplateRead{e.user});
    if (e.user == 1) dispatcher->Publish(MailAccepted{e.user});
  });
  const Composition composition = SignUpWithUndo().Start();
  dispatcher->Publish(Begun{1});
  dispatcher->Publish(Begun{2});
  if (manual != nullptr) manual->RunUntilIdle();
  const ShutdownReport report = dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.unpublished, 0U);
  EXPECT_EQ(signed_up, 1);
  ASSERT_EQ(composition.GetOpen().size(), 1U);
  EXPECT_EQ(composition.GetOpen().at(0).key, "2");
  timers.Advance(seconds(10));
  EXPECT_THAT(undone(), IsEmpty());
  EXPECT_EQ(composition.GetStats().timed_out, 0U);
  EXPECT_EQ(timers.next(), std::nullopt);
  dispatcher.reset();  // which it may outlive
}

BELFRY_IN_EVERY_MODE(ComposeFailureTest);

}  // namespace
}  // namespace belfry
