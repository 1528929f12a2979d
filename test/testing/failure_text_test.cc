// What the matchers say when they do not match, to the letter: see failure_texts.txt.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <utility>

#include <gtest/gtest-spi.h>

#include "belfry/subscription_bag.h"
#include "belfry/testing/explore.h"
#include "belfry/testing/matchers.h"
#include "belfry/testing/scenario.h"
#include "belfry/testing/world.h"

namespace belfry::testing {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;

struct SignUpRequested {
  std::string email;
};
struct UserSignedUp {
  std::string email;
  int number = 0;
};
struct MailSent {
  std::string to;
};
std::ostream& operator<<(std::ostream& out, const SignUpRequested& event) {
  return out << "email: \"" << event.email << "\"";
}
std::ostream& operator<<(std::ostream& out, const UserSignedUp& event) {
  return out << "email: \"" << event.email << "\", number: " << event.number;
}
std::ostream& operator<<(std::ostream& out, const MailSent& event) {
  return out << "to: \"" << event.to << "\"";
}

// What is to be said: in the file, behind a line with the test's name and the how-manieth this is.
class GoldenTexts {
 public:
  GoldenTexts() {
    std::ifstream file(BELFRY_FAILURE_TEXTS);
    std::string name;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("--- ")) {
        name = line.substr(4);
      } else {
        texts_[name] += line + "\n";
      }
    }
  }

  std::string Next() {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    return texts_[test + " " + std::to_string(++count_)];
  }

 private:
  std::map<std::string, std::string> texts_;
  int count_ = 0;
};

auto Email(const std::string& email) { return Field("email", &UserSignedUp::email, email); }

// A user is stored, then gets a mail and is put on record.
class FailureTextTest : public ::testing::Test {
 protected:
  FailureTextTest() {
    Shows<SignUpRequested, UserSignedUp, MailSent>();
    world_.Tolerate({.failures = true, .losses = true, .dead_letters = true});
  }

  void Wire(ListenerOptions mail = {}) {
    store_ = world_.dispatcher().Subscribe(
        [this](const SignUpRequested& request) {
          return UserSignedUp{request.email, ++users_};
        },
        {.name = "signup.store"});
    mail.name = "mail.welcome";
    mail_ = world_.dispatcher().Subscribe(
        [](const UserSignedUp& user) { return MailSent{user.email}; }, std::move(mail));
    audit_ = world_.dispatcher().Subscribe([](const UserSignedUp&) {}, {.name = "audit"});
  }

  std::string All(const Expectation& expectation) const { return expectation.Check(world_) + "\n"; }
  // The same without the story, and what is still to come.
  std::string Head(const Expectation& expectation) const {
    const std::string all = All(expectation);
    return all.substr(0, std::min(all.find("still to come"), all.find("what happened:\n")));
  }

  std::string Golden() { return golden_.Next(); }

  World world_;
  GoldenTexts golden_;
  int users_ = 0;
  Subscription store_, mail_, audit_;
};

TEST_F(FailureTextTest, TheNearestOfThoseThatDoNotMatch) {
  Wire();
  When(world_, SignUpRequested{"eve@example.org"}, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(All(Published<UserSignedUp>(
                AllOf(Email("ada@example.org"), Field("number", &UserSignedUp::number, Gt(2))))),
            Golden());
}

TEST_F(FailureTextTest, AnInjectedFaultIsWhyNothingWasPublished) {
  Wire();
  world_.faults().Fail("signup.store", 1, absl::UnavailableError("the store is locked"));
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(All(Published<UserSignedUp>(Email("ada@example.org"))), Golden());
}

TEST_F(FailureTextTest, WhatIsStillToComeIsSaid) {
  Wire();
  world_.faults().Delay("signup.store", 1, seconds(40));
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(All(Published<UserSignedUp>()), Golden());
}

TEST_F(FailureTextTest, TooManyAndTooFew) {
  Wire();
  When(world_, SignUpRequested{"ada@example.org"}, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(Head(Published<MailSent>()), Golden());
  EXPECT_EQ(Head(NotPublished<MailSent>()), Golden());
  EXPECT_EQ(Head(Published([](const MailSent& mail) { return !mail.to.empty(); }).AtLeast(3)),
            Golden());
}

TEST_F(FailureTextTest, NobodyKnowsWhatIsMisspelled) {
  Wire();
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(Head(NotCalled("mail.welcom")), Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("mail.sorry")), Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("signup.store")), Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("audit").After("mail.welcom")), Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("mail.welcom").Times(0)), Golden());
  EXPECT_EQ(Head(Failed("mail.welcom")), Golden());
  const Subscription log = world_.dispatcher().Subscribe(EventTypes<SignUpRequested, MailSent>(),
                                                         [](const auto&) {}, {.name = "log"});
  EXPECT_THAT(Head(Handled<UserSignedUp>().By("log")),
              HasSubstr("#2, but log did not get it, or not yet; it is for "));
}

// What a world says at its end.
TEST(WorldsEndTextTest, ANameThatIsMisspelledThereIsNoticed) {
  GoldenTexts golden;
  const auto failures = [](const std::function<void(World&)>& test) {
    ::testing::TestPartResultArray results;
    {
      const ::testing::ScopedFakeTestPartResultReporter reporter(
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
      World world;
      test(world);
    }
    std::string text;
    for (int i = 0; i < results.size(); ++i) {
      text += std::string(results.GetTestPartResult(i).message()) + "\n";
    }
    return text;
  };
  const auto misspelled = [](World& world) {
    world.Mute("mail.welcom");
    world.faults().Fail("signup.stor", 1, absl::UnavailableError("locked"));
    world.faults().Fail("signup.stor", 2, absl::UnavailableError("locked"));
    world.faults().Throw("signup.stor", 3, "no ink");
    world.faults().Delay("audits", 1, seconds(1));
    world.faults().Duplicate("mail", 1);
    world.faults().MayFail("mail.sorry", 1, absl::UnavailableError("no line"));
    world.faults().MayDuplicate("audit", 1);
  };
  EXPECT_EQ(failures([&](World& world) {
              misspelled(world);
              SubscriptionBag wiring;
              wiring += world.dispatcher().Subscribe([](const SignUpRequested&) {},
                                                     {.name = "signup.store"});
              wiring += world.dispatcher().Subscribe([](const UserSignedUp&) {},
                                                     {.name = "mail.welcome"});
              wiring += world.dispatcher().Subscribe([](const UserSignedUp&) {}, {.name = "audit"});
            }),
            golden.Next());
  EXPECT_EQ(failures([](World& world) { world.Mute("audit"); }), golden.Next());
  EXPECT_EQ(failures([&](World& world) {
              world.Tolerate({.names = true});
              misspelled(world);
            }),
            "");
}

TEST_F(FailureTextTest, ToWhomNothingCameIsSaid) {
  Wire();
  world_.dispatcher().Publish(SignUpRequested{"ada@example.org"});
  EXPECT_EQ(Head(Published<MailSent>()), Golden());
  EXPECT_EQ(Head(PublishedInOrder(Published<SignUpRequested>(), Published<MailSent>())), Golden());
  EXPECT_EQ(Head(PublishedInAnyOrder(Published<SignUpRequested>(), Published<MailSent>())),
            Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("mail.welcome")), Golden());
  EXPECT_EQ(Head(Orphan<MailSent>()), Golden());
  EXPECT_EQ(Head(Failed("mail.welcome")), Golden());
  EXPECT_EQ(Head(Failed("signup.store")), Golden());
}

TEST_F(FailureTextTest, AFilterSaidNo) {
  Wire({.filter = [](const UserSignedUp& user) { return user.number > 7; }});
  world_.Mute("audit");
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(All(Handled<UserSignedUp>(Email("ada@example.org")).By("mail.welcome")), Golden());
}

TEST_F(FailureTextTest, TheTestOrTheProgramHoldsItBack) {
  Wire();
  world_.Fake<UserSignedUp>();
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("mail.welcome")), Golden());
  mail_.Mute();
  Given(world_);
  When(world_, UserSignedUp{"ada@example.org", 7});
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("mail.welcome")), Golden());
}

TEST_F(FailureTextTest, ItIsQueuedBehindItsKey) {
  Wire({.key = [](const UserSignedUp& user) { return user.email; },
        .retry = {.attempts_max = 2, .ordered = true}});
  world_.faults().Fail("mail.welcome", 1, absl::UnavailableError("no line"));
  When(world_, UserSignedUp{"ada@example.org", 1}, UserSignedUp{"ada@example.org", 2});
  EXPECT_EQ(
      Head(Handled<UserSignedUp>(Field("number", &UserSignedUp::number, 2)).By("mail.welcome")),
      Golden());
  EXPECT_EQ(
      Head(Handled<UserSignedUp>(Field("number", &UserSignedUp::number, 1)).By("mail.welcome")),
      Golden());
  EXPECT_EQ(Head(Failed("mail.welcome", HasSubstr("no ink"))), Golden());
}

TEST_F(FailureTextTest, AttemptsAreCounted) {
  Wire({.retry = {.attempts_max = 3}});
  world_.faults().Fail("mail.welcome", Faults::kEvery, absl::UnavailableError("no line"));
  When(world_, UserSignedUp{"ada@example.org", 1});
  After(world_, seconds(1));
  EXPECT_EQ(Head(Retried("mail.welcome", 1)), Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("mail.welcome")), Golden());
}

TEST_F(FailureTextTest, ALaterOneTookItsPlace) {
  Wire({.overflow = Overflow::Coalesce([](const UserSignedUp& user) { return user.email; })});
  When(world_, UserSignedUp{"ada@example.org", 1}, UserSignedUp{"ada@example.org", 2});
  EXPECT_EQ(
      Head(Handled<UserSignedUp>(Field("number", &UserSignedUp::number, 1)).By("mail.welcome")),
      Golden());
}

TEST_F(FailureTextTest, ItWasLostOrLateOrEnded) {
  Wire({.queue = {.events_max = 1}, .overflow = Overflow::DropNewest(), .deadline = seconds(5)});
  world_.dispatcher().Publish(UserSignedUp{"ada@example.org", 1});
  world_.dispatcher().Publish(UserSignedUp{"bob@example.org", 2});
  world_.Advance(seconds(6));
  world_.Run();
  EXPECT_EQ(Head(Handled<UserSignedUp>(Email("bob@example.org")).By("mail.welcome")), Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>(Email("ada@example.org")).By("mail.welcome")), Golden());
  world_.dispatcher().Publish(UserSignedUp{"eve@example.org", 3});
  mail_.Reset();
  world_.Run();
  EXPECT_EQ(Head(Handled<UserSignedUp>(Email("eve@example.org")).By("mail.welcome")), Golden());
  Given(world_);
  When(world_, UserSignedUp{"sue@example.org", 4});
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("mail.welcome")), Golden());
}

TEST_F(FailureTextTest, BeforeWhomAndBecauseOfWhat) {
  Wire();
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(All(Handled<UserSignedUp>().By("mail.welcome").After("audit")), Golden());
  EXPECT_EQ(Head(Handled<UserSignedUp>().By("audit").CausedBy<MailSent>().Times(1)), Golden());
}

TEST_F(FailureTextTest, AnOrderThatWasAnother) {
  Wire();
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(Head(PublishedInOrder(Published<MailSent>(), Published<UserSignedUp>())), Golden());
  EXPECT_EQ(Head(PublishedInAnyOrder(Published<MailSent>().Times(2), Published<UserSignedUp>())),
            Golden());
}

TEST_F(FailureTextTest, WhatBecameOfAListenersDeliveries) {
  Wire();
  When(world_, SignUpRequested{"ada@example.org"});
  EXPECT_EQ(Head(NotCalled("mail.welcome")), Golden());
  EXPECT_EQ(Head(Failed("mail.welcome", HasSubstr("no ink"))), Golden());
  EXPECT_EQ(Head(DeadLettered("mail.welcome")), Golden());
  EXPECT_EQ(Head(Retried("mail.welcome", 2)), Golden());
  EXPECT_EQ(Head(Dropped("mail.welcome")), Golden());
  EXPECT_EQ(Head(TimedOut("mail.welcome")), Golden());
  EXPECT_EQ(Head(Orphan<UserSignedUp>()), Golden());
  EXPECT_EQ(Head(Refused<UserSignedUp>()), Golden());
}

TEST_F(FailureTextTest, SomethingElse) {
  Wire();
  When(world_, SignUpRequested{"ada@example.org"});
  world_.Expect(Published<UserSignedUp>());
  EXPECT_EQ(All(NothingElse()), Golden());
}

TEST_F(FailureTextTest, LongListsAreCut) {
  Wire();
  for (int i = 0; i < 20; ++i) When(world_, MailSent{"ada" + std::to_string(i)});
  EXPECT_EQ(Head(NotPublished<MailSent>()), Golden());
  Given(world_);
  When(world_, MailSent{std::string(300, 'a')});
  EXPECT_EQ(Head(NotPublished<MailSent>()), Golden());
}

TEST_F(FailureTextTest, NothingHasHappened) { EXPECT_EQ(All(Published<UserSignedUp>()), Golden()); }

TEST_F(FailureTextTest, GoogleTestsFrameStandsAroundIt) {
  Wire();
  When(world_, SignUpRequested{"bob@example.org"});
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    EXPECT_THAT(world_, Published<UserSignedUp>(Email("ada@example.org")));
  }
  ASSERT_EQ(results.size(), 1);
  EXPECT_EQ(std::string(results.GetTestPartResult(0).message()) + "\n", Golden());
}

TEST(ExplorerTextTest, TheReportTellsTheStoryOnce) {
  const ExploreReport report = Explore({}, [](World& world) {
    When(world, MailSent{"ada@example.org"});
    world.Expect(NotPublished<MailSent>());
  });
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.failure->what, HasSubstr("expected MailSent not published, seen: once"));
  EXPECT_THAT(report.failure->what, Not(HasSubstr("what happened")));
  EXPECT_THAT(report.failure->story, HasSubstr("published #1 MailSent"));
}

TEST(RecorderTextTest, WhatARecorderDoesNotKnowIsNotSaid) {
  Shows<MailSent>();
  GoldenTexts golden;
  Recorder recorder;
  Dispatcher dispatcher({.synchronous = true, .observer = &recorder});
  dispatcher.Publish(MailSent{"ada@example.org"});
  const auto head = [&](const Expectation& expectation) {
    const std::string all = expectation.Check(recorder);
    return all.substr(0, all.find("what happened:\n"));
  };
  EXPECT_EQ(head(Handled<MailSent>().By("log")), golden.Next());
  EXPECT_EQ(head(DeadLettered("log")), golden.Next());
}

TEST(ReplayTextTest, AReplayedWorldSaysSo) {
  ASSERT_EQ(::setenv("BELFRY_REPLAY", "0:1", 1), 0);
  {
    World world;
    ::unsetenv("BELFRY_REPLAY");
    EXPECT_EQ(Published<MailSent>().Check(world) + "\n", GoldenTexts().Next());
  }
}

}  // namespace
}  // namespace belfry::testing
