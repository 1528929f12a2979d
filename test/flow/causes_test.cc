// The graph of causes, as text, JSON and Mermaid.

#include "belfry/flow/causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace belfry {
namespace {

using testing::HasSubstr;

EventId Id(std::uint64_t sequence) { return {0xabc, sequence}; }

TracedEvent Event(std::uint64_t id, std::uint64_t cause, std::string name, std::string by = "",
                  std::vector<EventId> links = {}) {
  return {.id = Id(id),
          .cause = cause == 0 ? EventId{} : Id(cause),
          .correlation = Id(1),
          .links = std::move(links),
          .name = std::move(name),
          .by = std::move(by)};
}

// A pizza, and somebody else's.
std::vector<TracedEvent> Orders() {
  return {Event(1, 0, "OrderPlaced"),
          Event(2, 1, "PizzaBaked", "kitchen"),
          Event(3, 1, "InvoiceWritten", "office", {Id(2)}),
          Event(4, 2, "BellRung", "waiter"),
          Event(5, 0, "OrderPlaced"),
          Event(6, 5, "PizzaBaked", "kitchen")};
}

TEST(CausesTest, EachEventStandsBelowItsCause) {
  EXPECT_EQ(DescribeCauses(Orders(), Id(1)),
            "OrderPlaced #1\n"
            "├─ PizzaBaked #2 by kitchen\n"
            "│  └─ BellRung #4 by waiter\n"
            "└─ InvoiceWritten #3 by office, linked to #2\n");
}

TEST(CausesTest, OfOneInTheMiddleThereAreItsCausesAndItsEffects) {
  EXPECT_EQ(DescribeCauses(Orders(), Id(4)),
            "OrderPlaced #1\n"
            "└─ PizzaBaked #2 by kitchen\n"
            "   └─ BellRung #4 by waiter\n");
  EXPECT_EQ(DescribeCauses(Orders(), Id(6)),
            "OrderPlaced #5\n"
            "└─ PizzaBaked #6 by kitchen\n");
}

TEST(CausesTest, ALinkLeadsAsACauseDoes) {
  // What is composed of two stories.
  const std::vector<TracedEvent> events = {Event(1, 0, "Stored"), Event(2, 0, "Mailed"),
                                           Event(3, 2, "SignedUp", "compose", {Id(1), Id(2)})};
  EXPECT_EQ(DescribeCauses(events, Id(3)),
            "Stored #1\n"
            "Mailed #2\n"
            "└─ SignedUp #3 by compose, linked to #1, #2\n");
  EXPECT_THAT(DescribeCauses(events, Id(1)), HasSubstr("SignedUp #3"));
}

TEST(CausesTest, ACauseThatIsNotKnownIsToldOf) {
  EXPECT_EQ(DescribeCauses({Event(4, 2, "BellRung", "waiter")}, Id(4)),
            "BellRung #4 by waiter, caused by #2, of which nothing is known\n");
  EXPECT_EQ(DescribeCauses(Orders(), Id(9)), "nothing is known of event 0000000000000abc-9\n");
}

TEST(CausesTest, AnEventOfAnotherDispatcherHasItsWholeId) {
  TracedEvent other = Event(7, 0, "Replied");
  other.id.origin = 0xdef;
  other.links = {Id(1)};
  EXPECT_THAT(DescribeCauses({Event(1, 0, "Asked"), other}, Id(1)),
              HasSubstr("Replied 0000000000000def-7, linked to #1\n"));
}

TEST(CausesTest, AsJson) {
  EXPECT_EQ(DescribeCauses({Event(1, 0, "Said{\"a\\b\n\"}", "she")}, Id(1), CauseFormat::kJson),
            "{\"of\": \"0000000000000abc-1\", \"events\": [\n"
            "  {\"id\": \"0000000000000abc-1\", \"cause\": \"\", \"correlation\": "
            "\"0000000000000abc-1\", \"links\": [], \"name\": \"Said{\\\"a\\\\b \\\"}\", "
            "\"by\": \"she\"}]}\n");
  EXPECT_THAT(DescribeCauses(Orders(), Id(3), CauseFormat::kJson),
              HasSubstr("\"links\": [\"0000000000000abc-2\"]"));
  EXPECT_EQ(DescribeCauses({}, Id(1), CauseFormat::kJson),
            "{\"of\": \"0000000000000abc-1\", \"events\": []}\n");
}

TEST(CausesTest, AsMermaid) {
  EXPECT_EQ(DescribeCauses(Orders(), Id(1), CauseFormat::kMermaid),
            "flowchart TD\n"
            "  e1[\"OrderPlaced #1\"]\n"
            "  e2[\"PizzaBaked #2\"]\n"
            "  e3[\"InvoiceWritten #3\"]\n"
            "  e4[\"BellRung #4\"]\n"
            "  e1 -->|\"kitchen\"| e2\n"
            "  e1 -->|\"office\"| e3\n"
            "  e2 -.-> e3\n"
            "  e2 -->|\"waiter\"| e4\n"
            "  style e1 stroke-width:4px\n");
}

TEST(CausesTest, ALongChainIsDrawnInReasonableSpace) {
  std::vector<TracedEvent> chain;
  for (std::uint64_t i = 1; i <= 20'000; ++i) chain.push_back(Event(i, i - 1, "Tick"));
  const std::string text = DescribeCauses(chain, Id(1));
  EXPECT_THAT(text, HasSubstr("Tick #20000\n"));
  EXPECT_LT(text.size(), 20'000U * 200);
}

TEST(CausesTest, WhatTurnsInACircleEnds) {
  EXPECT_THAT(DescribeCauses({Event(1, 0, "A", "", {Id(2)}), Event(2, 1, "B", "", {Id(1)})}, Id(1)),
              HasSubstr("B #2"));
}

}  // namespace
}  // namespace belfry
