// R1 to R5: who gets an event.

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Rung {
  int number = 0;
};
struct Unheard {};

class RegistrationTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(RegistrationTest);

TEST_P(RegistrationTest, R1_ASubscribedListenerGetsWhatIsPublishedAfterwards) {
  std::vector<int> got;
  const Subscription listener =
      dispatcher->Subscribe([&](const Rung& e) { got.push_back(e.number); }, Options());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(dispatcher->Publish(Rung{i}));
  Settle();
  ASSERT_EQ(got.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
}

TEST_P(RegistrationTest, R1_ALateListenerNeverGetsWhatWasPublishedBefore) {
  const Subscription early = dispatcher->Subscribe([](const Rung&) {}, Options());
  ASSERT_TRUE(dispatcher->Publish(Rung{1}));
  std::vector<int> got;
  const Subscription late =
      dispatcher->Subscribe([&](const Rung& e) { got.push_back(e.number); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Rung{2}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{2});
}

TEST_P(RegistrationTest, R1_SubscribedInsideAListenerItGetsTheNextEventNotTheCurrentOne) {
  std::vector<int> got;
  Subscription inner;
  const Subscription outer = dispatcher->Subscribe(
      [&](const Rung& e) {
        if (e.number == 1) {
          inner = dispatcher->Subscribe([&](const Rung& late) { got.push_back(late.number); },
                                        Options());
        }
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Rung{1}));
  Settle();
  ASSERT_TRUE(dispatcher->Publish(Rung{2}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{2});
}

TEST_P(RegistrationTest, R1_AConcurrentSubscriberGetsAnUnbrokenTail) {
  constexpr int kEvents = 2000;
  const Subscription steady = dispatcher->Subscribe([](const Rung&) {}, Options());
  Gate subscribed;
  std::thread publisher([&] {
    for (int i = 0; i < kEvents; ++i) {
      if (i == kEvents - 1) subscribed.Wait();  // so that the tail has at least one event
      while (!dispatcher->Publish(Rung{i})) std::this_thread::yield();
    }
  });
  std::vector<int> got;
  const Subscription late = dispatcher->Subscribe(
      [&](const Rung& e) { got.push_back(e.number); },
      {.run = Options().run, .queue = {.events_max = kEvents, .bytes_max = 1 << 20}});
  subscribed.Open();
  if (manual != nullptr) {
    EXPECT_TRUE(Eventually([&] {
      manual->RunUntilIdle();
      return StatsOf<Rung>().published == kEvents;
    }));
  }
  publisher.join();
  Settle();
  for (std::size_t i = 1; i < got.size(); ++i) EXPECT_EQ(got[i], got[i - 1] + 1);
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back(), kEvents - 1);
}

TEST_P(RegistrationTest, R2_TwoSubscriptionsOfOneCallableAreTwoListenersWithIdsOfTheirOwn) {
  std::atomic<int> calls{0};
  const auto count = [&](const Rung&) { ++calls; };
  std::set<ListenerId> ids;
  for (int i = 0; i < 50; ++i) {
    Subscription subscription = dispatcher->Subscribe(count, Options());
    EXPECT_TRUE(ids.insert(subscription.id()).second) << "an id was used again";
  }
  const Subscription one = dispatcher->Subscribe(count, Options());
  const Subscription two = dispatcher->Subscribe(count, Options());
  EXPECT_NE(one.id(), two.id());
  ASSERT_TRUE(dispatcher->Publish(Rung{1}));
  Settle();
  EXPECT_EQ(calls, 2);
}

TEST_P(RegistrationTest, R3_EverythingMayBeCalledFromInsideAListener) {
  std::atomic<int> inner_calls{0};
  Subscription other = dispatcher->Subscribe([](const Unheard&) {}, Options());
  const Subscription outer = dispatcher->Subscribe(
      [&](const Rung& e) {
        if (e.number > 0) {
          EXPECT_TRUE(dispatcher->Publish(Rung{e.number - 1}));
          return;
        }
        Subscription temporary =
            dispatcher->Subscribe([&](const Unheard&) { ++inner_calls; }, Options());
        EXPECT_EQ(temporary.Reset(), ResetResult::kDone);
        EXPECT_EQ(other.Reset(), ResetResult::kDone);
        EXPECT_EQ(dispatcher->Drain(), DrainResult::kWouldDeadlock);
        EXPECT_FALSE(dispatcher->GetStats().listeners.empty());
        EXPECT_FALSE(dispatcher->closed());
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Rung{10}));
  Settle();
  EXPECT_EQ(StatsOf<Rung>().deliveries.handled, 11U);
  EXPECT_EQ(inner_calls, 0);
}

// User code that calls back into the dispatcher would hang if a lock were held around it.
struct CallsBack {
  explicit CallsBack(Dispatcher& d) : dispatcher(&d) {}
  CallsBack(const CallsBack& other) : dispatcher(other.dispatcher) { Call(); }
  CallsBack(CallsBack&& other) noexcept : dispatcher(other.dispatcher) { Call(); }
  CallsBack& operator=(const CallsBack&) = delete;
  CallsBack& operator=(CallsBack&&) = delete;
  ~CallsBack() { Call(); }
  void Call() const {
    static_cast<void>(dispatcher->GetStats());
    static_cast<void>(dispatcher->Subscribe([](const Unheard&) {}, {.name = "temporary"}));
  }
  Dispatcher* dispatcher;
};

TEST_P(RegistrationTest, R3_NoLockIsHeldAroundMovesAndDestructorsOfEventsAndCallables) {
  struct Reentrant {
    CallsBack hook;
  };
  {
    const Subscription one = dispatcher->Subscribe(
        [hook = CallsBack(*dispatcher)](const Reentrant& e) { e.hook.Call(); }, Options());
    ASSERT_TRUE(dispatcher->Publish(Reentrant{CallsBack(*dispatcher)}));
    Settle();
    ASSERT_TRUE(dispatcher->Publish(Reentrant{CallsBack(*dispatcher)}));
  }
  Settle();
}

TEST_P(RegistrationTest, R3_TheLogHookMayPublish) {
  std::atomic<int> told{0};
  Make([&](DispatcherOptions& options) {
    options.log = [&](LogLevel, std::string_view) {
      ++told;
      EXPECT_TRUE(dispatcher->Publish(Unheard{}));
    };
  });
  const Subscription failing =
      dispatcher->Subscribe([](const Rung&) { throw 42; }, Options("failing"));
  ASSERT_TRUE(dispatcher->Publish(Rung{}));
  Settle();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(StatsOf<Unheard>().published, 1U);
}

TEST_P(RegistrationTest, R4_ARefusedSubscribeSaysWhyAndChangesNothing) {
  const auto refused = [&](ListenerOptions options, const char* why) {
    const Subscription subscription = dispatcher->Subscribe([](const Rung&) {}, options);
    EXPECT_FALSE(subscription);
    EXPECT_EQ(subscription.id(), 0U);
    EXPECT_EQ(subscription.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(subscription.status().message().find(why), std::string::npos)
        << subscription.status();
    EXPECT_NE(log().find(why), std::string::npos) << "the log hook was not told";
  };
  ManualExecutor elsewhere;
  refused({.name = "a", .queue = {.events_max = 0}}, "its queue's limit is 0");
  refused({.name = "a", .overflow = Overflow::Block(Nanoseconds(-1))}, "patience is negative");
  refused({.name = "a", .run = Run::kInline, .executor = &elsewhere}, "executor means nothing");
  refused({.name = std::string(300, 'x')}, "300 bytes, at most 256");
  refused({.name = "a\nb"}, "control character");
  EXPECT_TRUE(dispatcher->GetStats().listeners.empty());
}

TEST_P(RegistrationTest, R4_AClosedDispatcherRefusesSubscribers) {
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  const Subscription subscription = dispatcher->Subscribe([](const Rung&) {}, Options());
  EXPECT_EQ(subscription.status().code(), absl::StatusCode::kFailedPrecondition);
  dispatcher.reset();
}

TEST_P(RegistrationTest, R5_AnEventWithoutListenersIsAcceptedCountedAndTold) {
  std::vector<std::string> orphans;
  const Subscription told = dispatcher->Subscribe(
      [&](const Orphaned& e) { orphans.emplace_back(e.event_type.name()); }, Options());
  EXPECT_TRUE(dispatcher->Publish(Unheard{}));
  Settle();
  EXPECT_EQ(StatsOf<Unheard>().published, 1U);
  EXPECT_EQ(StatsOf<Unheard>().orphaned, 1U);
  ASSERT_EQ(orphans.size(), 1U);
  EXPECT_NE(orphans.front().find("Unheard"), std::string::npos);
}

TEST_P(RegistrationTest, AListenerWithoutANameIsNamedAfterItsEventAndPlace) {
  const Subscription listener = dispatcher->Subscribe([](const Rung&) {}, Options());
  const std::string name = dispatcher->ListenerNames(EventTypeOf<Rung>()).at(0);
  EXPECT_NE(name.find("Rung@registration_test.cc:"), std::string::npos) << name;
}

}  // namespace
}  // namespace belfry
