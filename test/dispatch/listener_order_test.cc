// The order of inline listeners, and of all on a synchronous dispatcher: phase, priority, before
// and after, subscription.

#include "belfry/listener_order.h"

#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/subscription_bag.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Step {
  int number = 0;
};

class ListenerOrderTest : public ModeTest {
 protected:
  // Says its name when it is called. Neighbours have callables of different types.
  Subscription Add(const std::string& name, ListenerOrder order = {}) {
    ListenerOptions options = Options(name);
    options.order = std::move(order);
    switch (++added_ % 3) {
      case 0:
        return dispatcher->Subscribe([this, name](const Step&) { Say(name); }, options);
      case 1:
        return dispatcher->Subscribe([this, name](const Step&, Context&) { Say(name); }, options);
      default:
        return dispatcher->Subscribe(
            [this, name, more = std::string(50, 'x')](const Step&) { Say(name); }, options);
    }
  }
  void Say(const std::string& name) { said_ += said_.empty() ? name : " " + name; }
  // Who is called for one event, in order.
  std::string Called() {
    said_.clear();
    EXPECT_TRUE(dispatcher->Publish(Step{}));
    return std::exchange(said_, {});
  }
  void ExpectRefused(const Subscription& subscription, const std::string& why) {
    EXPECT_FALSE(subscription);
    EXPECT_EQ(subscription.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(subscription.status().message().find(why), std::string::npos)
        << subscription.status().message();
  }
  std::size_t Logged(const std::string& text) {
    const std::string all = log();
    std::size_t count = 0;
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) {
      ++count;
    }
    return count;
  }

 private:
  int added_ = 0;
  std::string said_;
};
INSTANTIATE_TEST_SUITE_P(Modes, ListenerOrderTest,
                         testing::Values(Mode::kSynchronous, Mode::kInline), ModeTestName);

TEST_P(ListenerOrderTest, O5_PhaseGoesFirstThenPriorityThenSubscription) {
  SubscriptionBag bag;
  bag += Add("late", {.phase = Phase::kLate, .priority = 9});
  bag += Add("low", {.priority = -1});
  bag += Add("plain");
  bag += Add("high", {.priority = 1});
  bag += Add("early", {.phase = Phase::kEarly, .priority = -9});
  bag += Add("plain too");
  bag += Add("early and high", {.phase = Phase::kEarly});
  EXPECT_EQ(Called(), "early and high early high plain plain too low late");
}

TEST_P(ListenerOrderTest, O5_BeforeAndAfterDecideWhatPhaseAndPriorityLeaveOpen) {
  SubscriptionBag bag;
  bag += Add("d", {.after = {"c"}});
  bag += Add("b", {.before = {"c"}, .after = {"a"}});
  bag += Add("x");
  bag += Add("c");
  bag += Add("a", {.before = {"b", "c"}});
  EXPECT_EQ(Called(), "x a b c d");
}

TEST_P(ListenerOrderTest, O5_WhoMayComeNextAndSubscribedFirstComesNext) {
  SubscriptionBag bag;
  bag += Add("a", {.after = {"x"}});
  bag += Add("b");
  bag += Add("x");
  bag += Add("c");
  EXPECT_EQ(Called(), "b x a c");
}

TEST_P(ListenerOrderTest, O5_AllWithANameAreMeantAlsoThoseWhoWillCome) {
  SubscriptionBag bag;
  bag += Add("first", {.before = {"many"}});
  bag += Add("last", {.after = {"many"}});
  bag += Add("many");
  bag += Add("between");
  bag += Add("many");
  EXPECT_EQ(Called(), "first many between many last");
}

TEST_P(ListenerOrderTest, O5_AListenerThatWasGivenNoNameHasOne) {
  SubscriptionBag bag;
  std::string calls;
  const auto nameless = [&](const Step&) { calls += "nameless "; };
  bag += Add("plain");
  bag += dispatcher->Subscribe(nameless, Options(), Site{"a/kitchen.cc", 7});
  const std::string name = dispatcher->ListenerNames(EventTypeOf<Step>()).back();
  ListenerOptions options = Options("asks");
  options.order.before = {name};
  bag += dispatcher->Subscribe([&](const Step&) { calls += "asks "; }, options);
  Called();
  EXPECT_EQ(calls, "asks nameless ");
  EXPECT_EQ(log(), "");
}

TEST_P(ListenerOrderTest, O5_BeforeAndAfterMaySayWhatPhaseAndPrioritySay) {
  SubscriptionBag bag;
  bag += Add("audit", {.phase = Phase::kLate, .after = {"mail", "check"}});
  bag += Add("mail", {.priority = 5, .before = {"plain"}, .after = {"check"}});
  bag += Add("plain");
  bag += Add("check", {.phase = Phase::kEarly});
  EXPECT_EQ(Called(), "check mail plain audit");
}

TEST_P(ListenerOrderTest, O5_TheLogIsToldOnceOfANameThatNobodyHas) {
  const Subscription a = Add("a", {.before = {"nobody", "nobody", "b"}, .after = {"stranger"}});
  EXPECT_TRUE(a.status().ok());
  EXPECT_EQ(Logged("listener \"a\" is to be called before \"nobody\""), 1U) << log();
  EXPECT_EQ(Logged("listener \"a\" is to be called after \"stranger\""), 1U) << log();
  EXPECT_EQ(Logged("\"b\""), 1U);
  const Subscription b = Add("b");
  EXPECT_EQ(Called(), "a b");
  const Subscription c = Add("c", {.after = {"b"}});
  EXPECT_EQ(Logged("\n"), 3U) << log();
  EXPECT_NE(log().find(std::string(EventTypeOf<Step>().name())), std::string::npos);
}

TEST_P(ListenerOrderTest, R4_ACycleIsRefusedAndNamed) {
  SubscriptionBag bag;
  bag += Add("a", {.before = {"b"}});
  ExpectRefused(Add("b", {.before = {"a"}}), "before and after make a cycle: b -> a -> b");
  bag += Add("b", {.before = {"c"}});
  bag += Add("x", {.after = {"c"}});
  ExpectRefused(Add("c", {.before = {"a"}}), "listener \"c\": ");
  ExpectRefused(Add("c", {.before = {"a"}}), "cycle: c -> a -> b -> c");
  EXPECT_EQ(Called(), "a b x");
  EXPECT_EQ(dispatcher->ListenerNames(EventTypeOf<Step>()),
            (std::vector<std::string>{"a", "b", "x"}));
  bag += Add("c");
  EXPECT_EQ(Called(), "a b c x");
}

TEST_P(ListenerOrderTest, R4_WhoAsksForNothingIsRefusedIfItClosesACycle) {
  SubscriptionBag bag;
  bag += Add("a", {.before = {"b"}, .after = {"c"}});
  bag += Add("b", {.before = {"c"}});
  ExpectRefused(Add("c"), "cycle: c -> a -> b -> c");
  EXPECT_EQ(Called(), "a b");
}

TEST_P(ListenerOrderTest, R4_NobodyComesBeforeItself) {
  ExpectRefused(Add("a", {.before = {"a"}}), "cycle: a -> a");
  const Subscription a = Add("a");
  ExpectRefused(Add("a", {.after = {"a"}}), "cycle: a -> a");
  EXPECT_EQ(Called(), "a");
}

TEST_P(ListenerOrderTest, R4_WhatContradictsPhaseOrPriorityIsRefusedAndNamed) {
  SubscriptionBag bag;
  bag += Add("urgent", {.priority = 5, .after = {"check"}});
  bag += Add("last", {.phase = Phase::kLate});
  ExpectRefused(Add("a", {.before = {"urgent"}}),
                "contradict phase and priority: \"a\" (normal, priority 0) is to come before "
                "\"urgent\" (normal, priority 5)");
  ExpectRefused(Add("a", {.phase = Phase::kEarly, .after = {"last"}}),
                "\"last\" (late, priority 0) is to come before \"a\" (early, priority 0)");
  ExpectRefused(Add("check"), "listener \"check\": before and after contradict");
  EXPECT_EQ(Called(), "urgent last");
  bag += Add("check", {.phase = Phase::kEarly});
  EXPECT_EQ(Called(), "check urgent last");
}

TEST_P(ListenerOrderTest, O5_AListenerKeepsItsPlaceWhenItIsReplacedOrMuted) {
  SubscriptionBag bag;
  bag += Add("a", {.phase = Phase::kEarly});
  Subscription b = Add("b", {.priority = 2});
  Subscription c = Add("c", {.priority = 1});
  bag += Add("d");
  EXPECT_EQ(b.Replace([this](const Step&) { Say("B"); }), ReplaceResult::kDone);
  EXPECT_EQ(Called(), "a B c d");
  EXPECT_EQ(b.Replace([this](const Step&, Context&) { Say("b"); }), ReplaceResult::kDone);
  c.Mute();
  EXPECT_EQ(Called(), "a b d");
  c.Unmute();
  EXPECT_EQ(Called(), "a b c d");
}

TEST_P(ListenerOrderTest, X4_AReplaceOfWhoIsStillToComeIsForTheNextEvent) {
  if (mode() != Mode::kInline) GTEST_SKIP() << "whichever is there when its turn comes";
  Subscription second;
  bool replaced = false;
  SubscriptionBag bag;
  ListenerOptions options = Options("first");
  options.order.phase = Phase::kEarly;
  bag += dispatcher->Subscribe(
      [&](const Step&) {
        Say("first");
        if (std::exchange(replaced, true)) return;
        EXPECT_EQ(second.Replace([this](const Step&) { Say("new"); }), ReplaceResult::kDeferred);
      },
      options);
  bag += Add("third", {.phase = Phase::kLate});
  second = Add("second");
  EXPECT_EQ(Called(), "first second third");
  EXPECT_EQ(Called(), "first new third");
}

TEST_P(ListenerOrderTest, O5_TheOthersKeepTheirPlacesWhenOneEnds) {
  SubscriptionBag bag;
  std::map<std::string, Subscription> each;
  for (const char* const name : {"a", "b", "c", "d", "e", "f"}) {
    each[name] = Add(name, {.priority = name[0] == 'a' ? 0 : 'f' - name[0]});
  }
  EXPECT_EQ(Called(), "b c d e a f");
  each["c"].Reset();
  EXPECT_EQ(Called(), "b d e a f");
  each["b"].Detach();
  each["f"].Reset();
  EXPECT_EQ(Called(), "d e a");
  each["c"] = Add("c", {.priority = 3});
  EXPECT_EQ(Called(), "c d e a");
}

TEST_P(ListenerOrderTest, X1_WhoIsResetByOneBeforeItIsNotCalled) {
  Subscription last = Add("last");
  ListenerOptions options = Options("first");
  options.order.phase = Phase::kEarly;
  const Subscription first = dispatcher->Subscribe(
      [&](const Step&) {
        Say("first");
        EXPECT_EQ(last.Reset(), ResetResult::kDone);
      },
      options);
  const Subscription between = Add("between", {.priority = 1});
  EXPECT_EQ(Called(), "first between");
  EXPECT_EQ(Called(), "first between");
  EXPECT_EQ(StatsOf<Step>().deliveries.cancelled, 1U);
}

TEST_P(ListenerOrderTest, O5_WhoComesDuringAnEventHasItsPlaceFromTheNextOneOn) {
  SubscriptionBag bag;
  bool done = false;
  bag += Add("b", {.after = {"a"}});
  bag += Add("c");
  bag += dispatcher->Subscribe(
      [&](const Step&) {
        Say("d");
        if (std::exchange(done, true)) return;
        bag += Add("first", {.phase = Phase::kEarly});
        bag += Add("a", {.after = {"d"}});
        EXPECT_TRUE(dispatcher->Publish(Step{1}));
      },
      Options("d"));
  bag += Add("e");
  if (mode() == Mode::kInline) {
    EXPECT_EQ(Called(), "b c d first c d e a b e") << "inline listeners recurse";
  } else {
    EXPECT_EQ(Called(), "b c d e first c d e a b") << "and here all wait for their turn";
  }
  EXPECT_EQ(Called(), "first c d e a b");
}

TEST_P(ListenerOrderTest, O5_NobodyIsLeftOutWhenTheOrderChangesDuringAnEvent) {
  constexpr std::size_t kListeners = 20;
  SubscriptionBag bag;
  int round = 0;
  std::vector<int> calls(kListeners);
  for (std::size_t i = 0; i < kListeners; ++i) {
    bag += dispatcher->Subscribe(
        [&, i](const Step& step) {
          ++calls[i];
          if (step.number != 0 || i % 3 != 0) return;
          const std::string moves = "n" + std::to_string((i * 7 + 5) % kListeners);
          bag += Add("new " + std::to_string(++round),
                     {.before = {moves}, .after = {"n" + std::to_string(i)}});
        },
        Options("n" + std::to_string(i)));
  }
  Called();
  EXPECT_EQ(calls, std::vector<int>(kListeners, 1));
  EXPECT_GT(round, 0);
}

TEST_P(ListenerOrderTest, O5_OnceAndAnOrderGoTogether) {
  SubscriptionBag bag;
  bag += Add("b");
  ListenerOptions options = Options("a");
  options.once = true;
  options.order.before = {"b"};
  bag += dispatcher->Subscribe([this](const Step&) { Say("a"); }, options);
  EXPECT_EQ(Called(), "a b");
  EXPECT_EQ(Called(), "b");
}

TEST_P(ListenerOrderTest, E1_WhoFailsFailsAloneAndTheOthersComeInOrder) {
  SubscriptionBag bag;
  bag += Add("c", {.phase = Phase::kLate});
  ListenerOptions options = Options("b");
  options.order.after = {"a"};
  bag += dispatcher->Subscribe([](const Step&) { throw 42; }, options);
  bag += Add("a");
  EXPECT_EQ(Called(), "a c");
  const auto outcome = dispatcher->PublishTracked(Step{});
  Settle();
  ASSERT_TRUE(outcome.finished());
  std::string told;
  for (const DeliveryOutcome& each : outcome.value().deliveries) told += each.name;
  EXPECT_EQ(told, "abc");
  EXPECT_EQ(StatsOf<Step>().deliveries.dead, 2U);
  EXPECT_EQ(StatsOf<Step>().deliveries.handled, 4U);
}

TEST_P(ListenerOrderTest, O5_TypesOfEventsHaveTheirOrdersEachForItself) {
  struct Other {};
  SubscriptionBag bag;
  bag += Add("b", {.after = {"a"}});
  int others = 0;
  bag += dispatcher->Subscribe([&](const Other&) { ++others; }, Options("a"));
  EXPECT_EQ(Logged("\"a\""), 1U) << "of another type that name is nobody's";
  bag += Add("a");
  EXPECT_EQ(Called(), "a b");
  ASSERT_TRUE(dispatcher->Publish(Other{}));
  EXPECT_EQ(others, 1);
}

TEST_P(ListenerOrderTest, O5_WhenAllWhoAskAreGoneTheOthersAreStillCalled) {
  SubscriptionBag bag;
  for (int round = 0; round < 3; ++round) {
    bag += Add("plain");
    Subscription asks = Add("asks", {.phase = Phase::kEarly});
    EXPECT_EQ(Called().substr(0, 4), "asks");
    asks.Reset();
    bag += Add("plain");
    EXPECT_EQ(Called().size(), static_cast<std::size_t>(round + 1) * 12 - 1);
  }
}

TEST_P(ListenerOrderTest, D1_StatsTellPhaseAndPriority) {
  const Subscription listener = Add("a", {.phase = Phase::kLate, .priority = -7});
  EXPECT_EQ(OnlyListener().traits.phase, Phase::kLate);
  EXPECT_EQ(OnlyListener().traits.priority, -7);
}

class QueuedOrderTest : public ModeTest {};
BELFRY_IN_QUEUED_MODES(QueuedOrderTest);

TEST_P(QueuedOrderTest, O5_AnOrderForAQueuedListenerIsRefused) {
  for (const ListenerOrder& order : std::vector<ListenerOrder>{
           {.phase = Phase::kEarly}, {.priority = 1}, {.before = {"b"}}, {.after = {"b"}}}) {
    const Subscription refused =
        dispatcher->Subscribe([](const Step&) {}, {.name = "a", .order = order});
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.status().message(),
              "listener \"a\": a queued listener runs when its executor has a thread for it, so "
              "an order means nothing");
  }
  EXPECT_TRUE(dispatcher->GetStats().listeners.empty());
}

TEST_P(QueuedOrderTest, O5_InlineListenersThereAreInOrderBesideQueuedOnes) {
  std::string calls;
  std::atomic<int> queued{0};
  SubscriptionBag bag;
  bag += dispatcher->Subscribe([&](const Step&) { ++queued; }, {.name = "b"});
  bag += dispatcher->Subscribe([&](const Step&) { calls += "a"; },
                               {.run = Run::kInline, .order = {.after = {"b", "c"}}});
  EXPECT_NE(log().find("no inline listener of"), std::string::npos) << "b is queued";
  bag +=
      dispatcher->Subscribe([&](const Step&) { calls += "c"; }, {.name = "c", .run = Run::kInline});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Step{}));
  Settle();
  EXPECT_EQ(calls, "cacaca");
  EXPECT_EQ(queued, 3);
}

}  // namespace
}  // namespace belfry
