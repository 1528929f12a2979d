// The examples in the headers of compositions.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/flow/compose.h"
#include "belfry/manual_timers.h"

namespace belfry {
namespace {

class ComposingExample : public testing::Test {
 protected:
  ManualTimers timers;
  Dispatcher dispatcher{{.synchronous = true, .clock = &timers.clock(), .timers = &timers}};
};

TEST_F(ComposingExample, ASignUpIsMadeOfThreeEvents) {
  struct UserStored {
    int user = 0;
  };
  struct TemplateRead {
    int user = 0;
  };
  struct MailAccepted {
    int user = 0;
  };
  struct UserSignedUp {
    int user = 0;
  };
  struct SignUpFailed {
    std::string why;
  };
  struct Users {
    void Remove(int user) { removed.push_back(user); }
    std::vector<int> removed{};
  } users;
  // example: flow/compose.h
  belfry::Composition signed_up =
      belfry::Compose<UserSignedUp>(dispatcher, {.name = "signup"})
          .AllOf<UserStored, TemplateRead, MailAccepted>()
          .By([](const auto& part) { return part.user; })
          .Within(std::chrono::seconds(5))
          .Emit([](const UserStored& stored, const TemplateRead&, const MailAccepted&) {
            return UserSignedUp{stored.user};
          })
          .OnTimeout([](const belfry::GotParts&, const belfry::MissingParts& missing) {
            return SignUpFailed{missing.front() + " did not come"};
          })
          .Undo<UserStored>([&](const UserStored& stored) { users.Remove(stored.user); })
          .Start();
  // end of example
  std::vector<int> done;
  std::vector<std::string> failed;
  const Subscription good =
      dispatcher.Subscribe([&](const UserSignedUp& e) { done.push_back(e.user); });
  const Subscription bad =
      dispatcher.Subscribe([&](const SignUpFailed& e) { failed.push_back(e.why); });
  dispatcher.Publish(MailAccepted{1});
  dispatcher.Publish(UserStored{2});
  dispatcher.Publish(UserStored{1});
  dispatcher.Publish(TemplateRead{1});
  EXPECT_EQ(done, std::vector<int>{1});
  timers.Advance(std::chrono::seconds(5));
  EXPECT_EQ(users.removed, std::vector<int>{2});
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_NE(failed[0].find("TemplateRead"), std::string::npos) << failed[0];
}

TEST_F(ComposingExample, TheFirstAnswerIsTaken) {
  struct Asked {};
  struct CacheHit {
    std::string text{};
  };
  struct RowRead {
    std::string text{};
  };
  struct Answered {
    std::string text{};
  };
  // example: flow/compose.h
  belfry::Composition answered = belfry::Compose<Answered>(dispatcher, {.name = "answer"})
                                     .AnyOf<CacheHit, RowRead>()
                                     .Emit([](const auto& e) { return Answered{e.text}; })
                                     .Start();
  // end of example
  std::string text;
  const Subscription reading =
      dispatcher.Subscribe([&](const Answered& answer) { text += answer.text; });
  const Subscription asking = dispatcher.Subscribe([&](const Asked&) {
    dispatcher.Publish(RowRead{"row"});
    dispatcher.Publish(CacheHit{"cache"});
  });
  dispatcher.Publish(Asked{});
  EXPECT_EQ(text, "row");
  EXPECT_EQ(answered.GetStats().late, 1U);
}

TEST_F(ComposingExample, AMajorityIsEnough) {
  struct LeftAcked {
    int write = 0;
  };
  struct MiddleAcked {
    int write = 0;
  };
  struct RightAcked {
    int write = 0;
  };
  struct Agreed {
    bool left = false;
  };
  // example: flow/compose.h
  belfry::Composition agreed = belfry::Compose<Agreed>(dispatcher, {.name = "quorum"})
                                   .NOf<LeftAcked, MiddleAcked, RightAcked>(2)
                                   .By([](const auto& acked) { return acked.write; })
                                   .Emit([](const LeftAcked* left, const MiddleAcked*,
                                            const RightAcked*) { return Agreed{left != nullptr}; })
                                   .Start();
  // end of example
  std::vector<bool> all;
  const Subscription reading =
      dispatcher.Subscribe([&](const Agreed& e) { all.push_back(e.left); });
  dispatcher.Publish(MiddleAcked{1});
  dispatcher.Publish(RightAcked{1});
  EXPECT_EQ(all, std::vector<bool>{false});
}

TEST_F(ComposingExample, AnOrderIsHandedOverStepByStep) {
  struct Paid {
    int order = 0;
  };
  struct Packed {
    int order = 0;
  };
  struct Sent {
    int order = 0;
  };
  struct HandedOver {
    int order = 0;
  };
  // example: flow/compose.h
  belfry::Composition handed_over =
      belfry::Compose<HandedOver>(dispatcher, {.name = "handover"})
          .Sequence<Paid, Packed, Sent>()
          .By([](const auto& step) { return step.order; })
          .Emit([](const Paid& paid, const Packed&, const Sent&) { return HandedOver{paid.order}; })
          .Start();
  // end of example
  int handed = 0;
  const Subscription reading = dispatcher.Subscribe([&](const HandedOver&) { ++handed; });
  dispatcher.Publish(Paid{1});
  dispatcher.Publish(Sent{1});
  dispatcher.Publish(Packed{1});
  EXPECT_EQ(handed, 0);
  dispatcher.Publish(Sent{1});
  EXPECT_EQ(handed, 1);
}

TEST_F(ComposingExample, TwoBookingsAreATransfer) {
  struct Booked {
    int transfer = 0;
    int account = 0;
    int amount = 0;
  };
  struct Transferred {
    int from = 0;
    int to = 0;
  };
  // example: flow/composition_parts.h
  belfry::Composition transfers =
      belfry::Compose<Transferred>(dispatcher, {.name = "transfer"})
          .AllOf(belfry::Part<Booked>{.name = "debit",
                                      .filter = [](const Booked& b) { return b.amount < 0; }},
                 belfry::Part<Booked>{.name = "credit",
                                      .filter = [](const Booked& b) { return b.amount > 0; }})
          .By([](const Booked& b) { return b.transfer; })
          .Emit([](const Booked& debit, const Booked& credit) {
            return Transferred{debit.account, credit.account};
          })
          .Start();
  // end of example
  Transferred seen;
  const Subscription reading = dispatcher.Subscribe([&](const Transferred& e) { seen = e; });
  dispatcher.Publish(Booked{1, 20, 5});
  dispatcher.Publish(Booked{1, 10, -5});
  EXPECT_EQ(seen.from, 10);
  EXPECT_EQ(seen.to, 20);
}

TEST_F(ComposingExample, ThreeFailuresInAMinuteAreAnAttack) {
  struct LogInFailed {
    std::string user{};
  };
  struct Attacked {
    std::string user{};
  };
  // example: flow/compose_over_time.h
  belfry::Composition attacks = belfry::Compose<Attacked>(dispatcher, {.name = "attack"})
                                    .Count<LogInFailed>(3)
                                    .By([](const LogInFailed& failed) { return failed.user; })
                                    .Within(std::chrono::minutes(1))
                                    .Emit([](const std::vector<const LogInFailed*>& failed) {
                                      return Attacked{failed.front()->user};
                                    })
                                    .Start();
  // end of example
  std::vector<std::string> attacked;
  const Subscription reading =
      dispatcher.Subscribe([&](const Attacked& e) { attacked.push_back(e.user); });
  dispatcher.Publish(LogInFailed{"ada"});
  timers.Advance(std::chrono::minutes(1));
  for (int i = 0; i < 2; ++i) dispatcher.Publish(LogInFailed{"ada"});
  EXPECT_TRUE(attacked.empty());
  dispatcher.Publish(LogInFailed{"ada"});
  EXPECT_EQ(attacked, std::vector<std::string>{"ada"});
}

TEST_F(ComposingExample, AServerThatIsSilentIsLost) {
  struct Heartbeat {
    std::string server{};
  };
  struct ServerLost {
    std::string server{};
  };
  // example: flow/compose_over_time.h
  belfry::Composition lost =
      belfry::Compose<ServerLost>(dispatcher, {.name = "heartbeat"})
          .Absent<Heartbeat>(std::chrono::seconds(10))
          .By([](const Heartbeat& beat) { return beat.server; })
          .Emit([](const Heartbeat& last) { return ServerLost{last.server}; })
          .Start();
  // end of example
  std::vector<std::string> servers;
  const Subscription reading =
      dispatcher.Subscribe([&](const ServerLost& e) { servers.push_back(e.server); });
  dispatcher.Publish(Heartbeat{"a"});
  dispatcher.Publish(Heartbeat{"b"});
  timers.Advance(std::chrono::seconds(9));
  dispatcher.Publish(Heartbeat{"b"});
  timers.Advance(std::chrono::seconds(9));
  EXPECT_EQ(servers, std::vector<std::string>{"a"});
}

TEST_F(ComposingExample, ASearchBeginsWhenNobodyTypes) {
  struct Typed {
    int field = 0;
    std::string text{};
  };
  struct SearchWanted {
    std::string text{};
  };
  // example: flow/compose_over_time.h
  belfry::Composition settled = belfry::Compose<SearchWanted>(dispatcher, {.name = "search"})
                                    .Debounce<Typed>(std::chrono::milliseconds(300))
                                    .By([](const Typed& typed) { return typed.field; })
                                    .Emit([](const Typed& last) { return SearchWanted{last.text}; })
                                    .Start();
  // end of example
  std::vector<std::string> wanted;
  const Subscription reading =
      dispatcher.Subscribe([&](const SearchWanted& e) { wanted.push_back(e.text); });
  for (const char* text : {"b", "be", "bel"}) {
    dispatcher.Publish(Typed{1, text});
    timers.Advance(std::chrono::milliseconds(200));
  }
  EXPECT_TRUE(wanted.empty());
  timers.Advance(std::chrono::milliseconds(100));
  EXPECT_EQ(wanted, std::vector<std::string>{"bel"});
}

}  // namespace
}  // namespace belfry
