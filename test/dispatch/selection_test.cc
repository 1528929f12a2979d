// Listeners to events of several types.

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/files.h"
#include "belfry/library_events.h"
#include "belfry/manual_timers.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace selection_test {

struct Placed {
  int number = 0;
  std::string pizza{};
};
BELFRY_EVENT_NAME(Placed, "selection.order.placed", 1);
struct Cancelled {
  int number = 0;
};
BELFRY_EVENT_NAME(Cancelled, "selection.order.cancelled", 1);
struct Paid {
  int number = 0;
};
BELFRY_EVENT_NAME(Paid, "selection.paid", 1);
struct Unnamed {
  int number = 0;
};
template <int>
struct Many {
  int number = 0;
};

class SelectionTest : public ModeTest {
 protected:
  void Got(std::string text) {
    const std::lock_guard lock(mutex_);
    got_.push_back(std::move(text));
  }
  std::vector<std::string> got() {
    const std::lock_guard lock(mutex_);
    return got_;
  }
  // What an event says about itself.
  struct Telling {
    void operator()(const Placed& event) const { to.Got("placed " + std::to_string(event.number)); }
    void operator()(const Cancelled& event) const {
      to.Got("cancelled " + std::to_string(event.number));
    }
    SelectionTest& to;
  };
  Subscription Named(const std::string& pattern) {
    return dispatcher->Subscribe(EventsNamed{pattern}, [this](const AnyEvent& event) {
      Got(std::string(event.type().name()));
    });
  }
  DeliveryCounts CountsOf(const Subscription& subscription) const {
    for (const ListenerStats& listener : dispatcher->GetStats().listeners) {
      if (listener.id == subscription.id()) return listener.deliveries;
    }
    return {};
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> got_;
};

TEST_P(SelectionTest, O4_OneCallableGetsSeveralTypesInTheOrderOfTheirPublishes) {
  const Subscription chain = dispatcher->Subscribe(
      [&](const Placed& placed) { dispatcher->Publish(Cancelled{placed.number}); });
  const Subscription listener =
      dispatcher->Subscribe(EventTypes<Placed, Cancelled>(), Telling{*this}, {.name = "audit"});
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  Settle();
  ASSERT_TRUE(dispatcher->Publish(Paid{2}));
  ASSERT_TRUE(dispatcher->Publish(Cancelled{3}));
  Settle();
  EXPECT_EQ(got(), (std::vector<std::string>{"placed 1", "cancelled 1", "cancelled 3"}));
  EXPECT_EQ(CountsOf(listener).handled, 3U);
  EXPECT_EQ(StatsOf<Cancelled>().deliveries.handled, 2U);
  EXPECT_EQ(StatsOf<Paid>().orphaned, 1U);
  const Stats stats = dispatcher->GetStats();
  ASSERT_EQ(stats.listeners.size(), 2U);
  EXPECT_EQ(stats.listeners[1].name, "audit");
  EXPECT_EQ(stats.listeners[1].selects, "selection.order.placed, selection.order.cancelled");
}

TEST_P(SelectionTest, R1_APatternSelectsDeclaredNamesOfTypesThatThereAreAndThatWillBe) {
  ASSERT_TRUE(dispatcher->Publish(Placed{0}));
  const Subscription listener = Named("selection.order.*");
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  ASSERT_TRUE(dispatcher->Publish(Cancelled{2}));
  ASSERT_TRUE(dispatcher->Publish(Paid{3}));
  ASSERT_TRUE(dispatcher->Publish(Unnamed{4}));
  Settle();
  EXPECT_EQ(got(),
            (std::vector<std::string>{"selection.order.placed", "selection.order.cancelled"}));
}

TEST(EventSelectionTest, AStarStandsForAnyCharacters) {
  const auto selects = [](const char* pattern) {
    return EventSelection(EventsNamed{pattern}).Selects(EventTypeOf<Placed>());
  };
  for (const char* const pattern : {"*", "selection.order.placed", "selection.*", "*.placed",
                                    "sel*order*d", "**placed*", "*selection.order.placed*"}) {
    EXPECT_TRUE(selects(pattern)) << pattern;
  }
  for (const char* const pattern :
       {"selection", "selection.order.placed.", "*.place", "*placed*x", "election.*", "*d.*"}) {
    EXPECT_FALSE(selects(pattern)) << pattern;
  }
  EXPECT_FALSE(EventSelection(EventsNamed{"*"}).Selects(EventTypeOf<Unnamed>()));
  EXPECT_TRUE(EventSelection(EventsNamed{"belfry.*"}).Selects(EventTypeOf<Orphaned>()));
}

TEST_P(SelectionTest, AllEventsAreAllButTheLibrarysOwn) {
  const Subscription failing =
      dispatcher->Subscribe([](const Placed&) { throw std::runtime_error("wrong"); });
  const Subscription all = dispatcher->Subscribe(AllEvents(), [this](const AnyEvent& event) {
    if (const auto* const placed = event.As<Placed>()) Got("placed " + placed->pizza);
    if (const auto* const unnamed = event.As<Unnamed>()) {
      Got("unnamed " + std::to_string(unnamed->number));
    }
  });
  ASSERT_TRUE(dispatcher->Publish(Unnamed{4}));
  ASSERT_TRUE(dispatcher->Publish(Placed{1, "funghi"}));
  Settle();
  EXPECT_EQ(got(), (std::vector<std::string>{"unnamed 4", "placed funghi"}));
  EXPECT_EQ(CountsOf(all).offered, 2U) << "not of the failure";
}

TEST_P(SelectionTest, WhatAdaptersPublishIsAmongAllEvents) {
  std::atomic<int> files{0};
  const Subscription all = dispatcher->Subscribe(AllEvents(), [&](const AnyEvent& event) {
    files += event.As<FileReadFinished>() != nullptr;
  });
  ASSERT_TRUE(dispatcher->Publish(FileReadFinished{}));
  Settle();
  EXPECT_EQ(files, 1);
}

TEST_P(SelectionTest, E4_OneForLibraryEventsThatFailsCausesNone) {
  const Subscription failing =
      dispatcher->Subscribe([](const Placed&) { throw std::runtime_error("wrong"); });
  const Subscription library = dispatcher->Subscribe(
      EventsNamed{"belfry.*"}, [](const AnyEvent&) { throw std::runtime_error("wrong, too"); });
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  Settle();
  EXPECT_EQ(CountsOf(library).offered, 1U);
  EXPECT_NE(log().find("wrong, too"), std::string::npos);
}

TEST_P(SelectionTest, E4_OneForLibraryEventsNeverKeepsOthersFromThem) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "somebody must leave its queue full";
  int told = 0;
  const Subscription slow =
      dispatcher->Subscribe(EventsNamed{"belfry.*"}, [](const AnyEvent&) {},
                            {.queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  const Subscription other = dispatcher->Subscribe([&](const ListenerFailed&) { ++told; });
  const Subscription failing = dispatcher->Subscribe(
      [](const Placed&) { throw std::runtime_error("wrong"); }, {.run = Run::kInline});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Placed{i}));
  Settle();
  EXPECT_EQ(told, 3);
  EXPECT_EQ(CountsOf(slow).dropped, 2U);
}

TEST_P(SelectionTest, AFilterAKeyAndAContextSeeAnyEvent) {
  const Subscription listener = dispatcher->Subscribe(
      EventTypes<Placed, Cancelled>(),
      [this](const auto& event, Context& context) {
        Got(std::to_string(event.number) + " of " + std::string(context.envelope().type().name()));
      },
      {.key =
           [](const AnyEvent& event) {
             return event.As<Placed>() != nullptr ? event.As<Placed>()->number : 0;
           },
       .concurrency = 2,
       .filter = [](const AnyEvent& event) { return event.As<Cancelled>() != nullptr; }});
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  ASSERT_TRUE(dispatcher->Publish(Cancelled{2}));
  Settle();
  EXPECT_EQ(got(), std::vector<std::string>{"2 of selection.order.cancelled"});
  EXPECT_EQ(StatsOf<Placed>().deliveries.filtered, 1U);
}

TEST_P(SelectionTest, E1_AFailureNamesTheTypeAndIsTriedAgain) {
  ManualTimers timers;
  Make([&](DispatcherOptions& options) {
    options.timers = &timers;
    options.clock = &timers.clock();
  });
  std::atomic<int> attempts{0};
  const Subscription failures = dispatcher->Subscribe([&](const ListenerFailed& failed) {
    EXPECT_EQ(failed.event_type, EventTypeOf<Cancelled>());
  });
  const Subscription listener = dispatcher->Subscribe(
      EventTypes<Placed, Cancelled>(),
      [&](const auto&) {
        return ++attempts < 2 ? absl::UnavailableError("busy") : absl::OkStatus();
      },
      {.retry = {.attempts_max = 2}});
  ASSERT_TRUE(dispatcher->Publish(Cancelled{1}));
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    return CountsOf(listener).retrying == 1;
  }));
  EXPECT_EQ(StatsOf<Cancelled>().deliveries.retrying, 1U);
  EXPECT_TRUE(Eventually([&] { return timers.next().has_value(); }));
  timers.Advance(std::chrono::seconds(1));
  Settle();
  EXPECT_EQ(StatsOf<Cancelled>().deliveries.handled, 1U);
  dispatcher.reset();
}

TEST_P(SelectionTest, OneQueueHoldsTheEventsOfAllTypes) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "somebody must leave the queue full";
  const Subscription listener =
      dispatcher->Subscribe(EventTypes<Placed, Cancelled>(), Telling{*this},
                            {.queue = {.events_max = 2}, .overflow = Overflow::DropOldest()});
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  ASSERT_TRUE(dispatcher->Publish(Cancelled{2}));
  ASSERT_TRUE(dispatcher->Publish(Cancelled{3}));
  EXPECT_EQ(StatsOf<Placed>().deliveries.dropped, 1U);
  EXPECT_EQ(StatsOf<Cancelled>().deliveries.queued, 2U);
  Settle();
  EXPECT_EQ(got(), (std::vector<std::string>{"cancelled 2", "cancelled 3"}));
}

TEST_P(SelectionTest, AnEventReplacesOneOfAnotherTypeWithTheSameKey) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "somebody must leave it waiting";
  const Subscription listener =
      dispatcher->Subscribe(EventTypes<Placed, Cancelled>(), Telling{*this},
                            {.overflow = Overflow::Coalesce([](const AnyEvent&) { return 1; })});
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  ASSERT_TRUE(dispatcher->Publish(Cancelled{2}));
  EXPECT_EQ(StatsOf<Placed>().deliveries.coalesced, 1U);
  EXPECT_EQ(StatsOf<Placed>().deliveries.queued, 0U);
  EXPECT_EQ(StatsOf<Cancelled>().deliveries.queued, 1U);
  Settle();
  EXPECT_EQ(got(), std::vector<std::string>{"cancelled 2"});
}

TEST_P(SelectionTest, X2_AfterAResetItIsGoneFromEveryType) {
  const auto captured = std::make_shared<int>();
  Subscription listener =
      dispatcher->Subscribe(AllEvents(), [this, captured](const AnyEvent&) { Got("any"); });
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  Settle();
  EXPECT_EQ(listener.Reset(), ResetResult::kDone);
  EXPECT_EQ(captured.use_count(), 1);
  ASSERT_TRUE(dispatcher->Publish(Placed{2}));
  ASSERT_TRUE(dispatcher->Publish(Paid{3}));
  Settle();
  EXPECT_EQ(got(), std::vector<std::string>{"any"});
  EXPECT_EQ(StatsOf<Placed>().orphaned, 1U);
  EXPECT_EQ(StatsOf<Placed>().deliveries.handled, 1U);
}

TEST_P(SelectionTest, ItMayEndInsideItsOwnDelivery) {
  const Subscription listener = dispatcher->Subscribe(
      EventTypes<Placed, Cancelled>(), Telling{*this}, {.name = "first", .once = true});
  ASSERT_TRUE(dispatcher->Publish(Cancelled{1}));
  ASSERT_TRUE(dispatcher->Publish(Placed{2}));
  Settle();
  EXPECT_EQ(got(), std::vector<std::string>{"cancelled 1"});
}

TEST_P(SelectionTest, X4_ItsCallableIsReplacedForAllTypes) {
  Subscription listener = dispatcher->Subscribe(EventTypes<Placed, Cancelled>(), Telling{*this});
  EXPECT_EQ(listener.Replace<AnyEvent>(
                [this](const AnyEvent& event) { Got("new " + std::string(event.type().name())); }),
            ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Cancelled{1}));
  Settle();
  EXPECT_EQ(got(), std::vector<std::string>{"new selection.order.cancelled"});
}

TEST_P(SelectionTest, O5_OnOneThreadItHasItsTurnInTheOrderOfSubscription) {
  if (mode() != Mode::kSynchronous) GTEST_SKIP() << "O5: elsewhere there is no such order";
  const Subscription first = dispatcher->Subscribe([this](const Paid&) { Got("first"); });
  const Subscription second =
      dispatcher->Subscribe(AllEvents(), [this](const AnyEvent&) { Got("second"); });
  const Subscription third = dispatcher->Subscribe([this](const Paid&) { Got("third"); });
  ASSERT_TRUE(dispatcher->Publish(Paid{}));
  EXPECT_EQ(got(), (std::vector<std::string>{"first", "second", "third"}));
}

TEST_P(SelectionTest, OnOneThreadItComesBehindThoseForOneTypeWhereTheseAreOrdered) {
  if (mode() != Mode::kSynchronous) GTEST_SKIP() << "O5: elsewhere there is no such order";
  const Subscription all =
      dispatcher->Subscribe(AllEvents(), [this](const AnyEvent&) { Got("all"); });
  const Subscription late = dispatcher->Subscribe([this](const Placed&) { Got("late"); },
                                                  {.order = {.phase = Phase::kLate}});
  const Subscription early = dispatcher->Subscribe([this](const Placed&) { Got("early"); },
                                                   {.order = {.phase = Phase::kEarly}});
  ASSERT_TRUE(dispatcher->Publish(Placed{1}));
  EXPECT_EQ(got(), (std::vector<std::string>{"early", "late", "all"}));
}

TEST_P(SelectionTest, WhatMeansNothingIsRefusedWithASentence) {
  const auto refused = [&](EventSelection selection, const ListenerOptions& options) {
    const Subscription listener = dispatcher->Subscribe(
        std::move(selection), [](const AnyEvent&) {}, options);
    EXPECT_FALSE(listener);
    EXPECT_EQ(listener.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(listener.status().message());
  };
  EXPECT_EQ(refused(EventsNamed{""}, {.name = "a"}),
            "listener \"a\": the pattern for the names of its events is empty");
  EXPECT_NE(refused(EventsNamed{std::string(2000, '*')}, {.name = "a"}).find("2000 bytes"),
            std::string::npos);
  EXPECT_EQ(refused(AllEvents(), {.name = "a", .run = Run::kInline}),
            "listener \"a\": an inline listener is called by the publishes of one event type; "
            "subscribe it to each");
  EXPECT_NE(refused(AllEvents(), {.name = "a", .filter = [](const Placed&) { return true; }})
                .find("the filter takes"),
            std::string::npos);
}

template <int Number, int End>
void PublishMany(const Publisher& publisher) {
  if constexpr (Number < End) {
    EXPECT_TRUE(publisher.Publish(Many<Number>{Number}));
    PublishMany<Number + 1, End>(publisher);
  }
}

TEST_P(SelectionTest, R1_TypesThatAreFirstUsedWhileListenersComeAndGo) {
  std::atomic<int> seen{0};
  const Subscription always = dispatcher->Subscribe(AllEvents(), [&](const AnyEvent&) { ++seen; });
  std::atomic<bool> done{false};
  std::thread coming_and_going([&] {
    while (!done) {
      Subscription brief = dispatcher->Subscribe(AllEvents(), [](const AnyEvent&) {});
      brief.Reset();
    }
  });
  std::thread publisher([&] { PublishMany<0, 60>(*dispatcher); });
  PublishMany<20, 80>(*dispatcher);
  publisher.join();
  done = true;
  coming_and_going.join();
  Settle();
  EXPECT_EQ(seen, 120);
}

INSTANTIATE_TEST_SUITE_P(Modes, SelectionTest,
                         testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

}  // namespace selection_test
}  // namespace belfry
