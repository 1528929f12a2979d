// What people read: reports and stats as texts.

#include <gmock/gmock.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "belfry/describe_stats.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

struct Order {
  int number = 0;
};
BELFRY_EVENT_NAME(Order, "test.order", 1);

// --- The end ---

TEST(ReportTextTest, SaysInPlainWordsWhatIsInIt) {
  EXPECT_EQ(ToString(ShutdownReport{.complete = true}), "shutdown complete");
  EXPECT_EQ(ToString(ShutdownReport{.requested_only = true}), "shutdown requested from inside");
  const StuckDelivery stuck{"mail", EventTypeOf<Order>(), 4711, milliseconds(1203)};
  EXPECT_EQ(ToString(ShutdownReport{
                .cancelled = 5, .unpublished = 2, .queued = 3, .stuck = {stuck, stuck}}),
            "shutdown not complete; 5 cancelled; 2 not published; 3 queued; 2 still running\n"
            "  listener \"mail\" on test.order, thread 4711, for 1203 ms or longer\n"
            "  listener \"mail\" on test.order, thread 4711, for 1203 ms or longer");
  EXPECT_EQ(ToString(DrainResult::kTimedOut), "timed out");
}

class TextTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(TextTest);

TEST_P(TextTest, WhatRunsIsListed) {
  EXPECT_TRUE(dispatcher->RunningDeliveries().empty());
  std::vector<StuckDelivery> running;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) { running = dispatcher->RunningDeliveries(); }, Options("oven"));
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  ASSERT_EQ(running.size(), 1U);
  EXPECT_EQ(running[0].listener, "oven");
  EXPECT_EQ(running[0].event_type, EventTypeOf<Order>());
  EXPECT_GT(running[0].thread, 0);
}

class BusyTest : public ModeTest {};
BELFRY_IN_POOL_MODES(BusyTest);

TEST_P(BusyTest, ADrainThatTimesOutLeavesWhoIsBusyToBeAsked) {
  Gate began;
  Gate may_end;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) {
        began.Open();
        may_end.Wait();
      },
      Options("oven"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher->Publish(Order{i}));
  began.Wait();
  EXPECT_EQ(dispatcher->Drain(milliseconds(1)), DrainResult::kTimedOut);
  ASSERT_EQ(dispatcher->RunningDeliveries().size(), 1U);
  EXPECT_THAT(ToString(dispatcher->RunningDeliveries()[0]),
              HasSubstr("listener \"oven\" on test.order, thread "));
  EXPECT_EQ(OnlyListener().deliveries.queued, 2U);
  may_end.Open();
}

// --- Stats ---

TEST_P(TextTest, StatsAreATableForEachOfTypesAndListeners) {
  Subscription listener = dispatcher->Subscribe(
      [](const Order& order) {
        if (order.number == 1) throw std::runtime_error("sold out");
      },
      Options("oven"));
  const Subscription once =
      dispatcher->Subscribe([](const std::string&) {},
                            {.name = "bell", .filter = [](const std::string&) { return true; }});
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(dispatcher->Publish(Order{i}));
  Settle();
  listener.Mute();
  const Stats stats = dispatcher->GetStats();
  const std::string text = Describe(stats);
  const std::string line = std::to_string(stats.listeners[0].traits.site.line);
  EXPECT_THAT(text, HasSubstr("listeners: 2\n"));
  EXPECT_THAT(text, HasSubstr("published  offered  handled  dead\n")) << text;
  EXPECT_THAT(text, HasSubstr("text_test.cc:" + line + " ")) << text;
  EXPECT_THAT(text, HasSubstr("muted\n")) << text;
  EXPECT_THAT(text, HasSubstr("filtered\n")) << text;
  EXPECT_THAT(text, HasSubstr("to be published later: 0, dead letters: 0\n"));
  EXPECT_EQ(text.find(" \n"), std::string::npos) << "nothing ends in blanks";
}

TEST(DescribeTest, AColumnIsAsWideAsItsWidestCellAndThoseOfZerosAreLeftOut) {
  Stats stats;
  stats.types = {{.event_type = EventTypeOf<Order>(),
                  .published = 123'456'789'012,
                  .deliveries = {.offered = 7, .handled = 6, .queued = 1}}};
  ListenerStats oven{.id = 1, .name = "oven", .event_type = EventTypeOf<Order>()};
  oven.deliveries = stats.types[0].deliveries;
  oven.traits = {.site = {"kitchen.cc", 12},
                 .queue = {.events_max = 7},
                 .overflow = Overflow::Policy::kDropOldest,
                 .concurrency = 3,
                 .attempts_max = 5,
                 .deadline = std::chrono::hours(1),
                 .dead_letters = true,
                 .keyed = true};
  ListenerStats bell{.id = 2, .name = "the bell", .event_type = EventTypeOf<Order>()};
  bell.traits = {.site = {"tower.cc", 7}, .run = Run::kInline, .once = true};
  stats.listeners = {oven, bell};
  stats.scheduled = 4;
  EXPECT_EQ(Describe(stats),
            "event types: 1\n"
            "  type           published  offered  handled  queued\n"
            "  test.order  123456789012        7        6       1\n"
            "listeners: 2\n"
            "  listener  of          subscribed at  offered  handled  queued  options\n"
            "  oven      test.order  kitchen.cc:12        7        6       1  events_max 7, "
            "drop_oldest, concurrency 3, attempts_max 5, deadline 3600000 ms, dead letters, keyed\n"
            "  the bell  test.order  tower.cc:7           0        0       0  inline, once\n"
            "to be published later: 4, dead letters: 0\n");
  EXPECT_EQ(Describe({}),
            "event types: 0\nlisteners: 0\nto be published later: 0, dead letters: 0\n");
}

}  // namespace
}  // namespace belfry
