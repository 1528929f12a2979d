// Envelopes: ids that are drawn only when somebody asks.

#include "belfry/envelope.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace belfry {
namespace {

struct Thing {};

class EnvelopeTest : public testing::Test {
 protected:
  EventIdSource ids{0xabc};
  Thing thing;
};

TEST_F(EnvelopeTest, AnIdIsDrawnAtTheFirstLookAndStays) {
  const Envelope first(EventTypeOf<Thing>(), &thing, ids, Cause{});
  const Envelope second(EventTypeOf<Thing>(), &thing, ids, Cause{});
  EXPECT_EQ(second.id().sequence, 1U) << "nobody had asked for the first one's";
  EXPECT_EQ(first.id().sequence, 2U);
  EXPECT_EQ(first.id(), first.id());
  EXPECT_EQ(first.id().origin, 0xabcU);
}

TEST_F(EnvelopeTest, ARootIsItsOwnCorrelation) {
  const Envelope root(EventTypeOf<Thing>(), &thing, ids, Cause{});
  EXPECT_EQ(root.correlation_id(), root.id());
  EXPECT_FALSE(root.causation_id());
  const Envelope child(EventTypeOf<Thing>(), &thing, ids, root.AsCause());
  EXPECT_EQ(child.correlation_id(), root.id());
  EXPECT_EQ(child.causation_id(), root.id());
  const Envelope grandchild(EventTypeOf<Thing>(), &thing, ids, child.AsCause());
  EXPECT_EQ(grandchild.correlation_id(), root.id());
  EXPECT_EQ(grandchild.causation_id(), child.id());
}

TEST_F(EnvelopeTest, ThreadsThatAskAtOnceGetOneId) {
  for (int round = 0; round < 200; ++round) {
    const Envelope envelope(EventTypeOf<Thing>(), &thing, ids, Cause{});
    std::vector<EventId> seen(4);
    std::vector<std::thread> threads;
    for (EventId& id : seen) threads.emplace_back([&] { id = envelope.id(); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::set<EventId>(seen.begin(), seen.end()).size(), 1U);
  }
}

TEST_F(EnvelopeTest, CauseScopesNestAndEnd) {
  EXPECT_FALSE(Cause::Current().correlation);
  const Envelope root(EventTypeOf<Thing>(), &thing, ids, Cause{});
  {
    const CauseScope outer(root.AsCause());
    EXPECT_EQ(Cause::Current().causation, root.id());
    {
      const CauseScope inner(Cause{{7, 1}, {7, 2}});
      EXPECT_EQ(Cause::Current().correlation, (EventId{7, 1}));
    }
    EXPECT_EQ(Cause::Current().causation, root.id());
  }
  EXPECT_FALSE(Cause::Current().correlation);
}

TEST_F(EnvelopeTest, AnIdIsPrintedAsOriginAndSequence) {
  EXPECT_EQ(ToString(EventId{0xabc, 12}), "0000000000000abc-12");
  EXPECT_EQ(ToString(EventId{}), "");
}

}  // namespace
}  // namespace belfry
