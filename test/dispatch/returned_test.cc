// Listeners that answer with events.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Ordered {
  int pizzas = 0;
};
struct Wanted {
  int number = 0;
  std::string topping{};
};

std::size_t BelfryEventBytes(const Wanted& wanted) {
  return sizeof(wanted) + wanted.topping.size();
}

class ReturnedTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    listening_ = dispatcher->Subscribe(
        [this](const Wanted& wanted, Context& context) {
          const std::lock_guard lock(mutex_);
          got.push_back(wanted.number);
          causes.push_back(context.envelope().causation_id());
        },
        Options());
  }
  void TearDown() override {
    listening_.Reset();
    ModeTest::TearDown();
  }

  std::vector<int> got;
  std::vector<EventId> causes;

 private:
  std::mutex mutex_;
  Subscription listening_;
};
BELFRY_IN_EVERY_MODE(ReturnedTest);

TEST_P(ReturnedTest, WhatIsReturnedIsPublishedAndCausedByWhatWasHandled) {
  const Subscription cook = dispatcher->Subscribe(
      [](const Ordered& ordered) { return Wanted{ordered.pizzas}; }, Options());
  const EventId id = dispatcher->NewEventId();
  ASSERT_TRUE(dispatcher->Publish(Ordered{3}, {.id = id}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{3});
  EXPECT_EQ(causes, std::vector<EventId>{id});
}

TEST_P(ReturnedTest, AnOptionalIsAnEventOrNone) {
  const Subscription cook = dispatcher->Subscribe(
      [](const Ordered& ordered, Context&) -> std::optional<Wanted> {
        if (ordered.pizzas == 0) return std::nullopt;
        return Wanted{ordered.pizzas};
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Ordered{0}));
  ASSERT_TRUE(dispatcher->Publish(Ordered{1}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{1});
}

TEST_P(ReturnedTest, AVectorIsAllOfThemInOrder) {
  const Subscription cook = dispatcher->Subscribe(
      [](const Ordered& ordered) {
        std::vector<Wanted> wanted;
        for (int i = 0; i < ordered.pizzas; ++i) wanted.push_back({i});
        return wanted;
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Ordered{4}));
  Settle();
  EXPECT_EQ(got, (std::vector<int>{0, 1, 2, 3}));
}

TEST_P(ReturnedTest, OfASharedPointerItIsWhatThatPointsTo) {
  const auto wanted = std::make_shared<const Wanted>(Wanted{5});
  const Subscription cook =
      dispatcher->Subscribe([&](const Ordered&) { return wanted; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Ordered{1}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{5});
}

TEST_P(ReturnedTest, AReferenceToAStatusIsAStatus) {
  const absl::Status status = absl::NotFoundError("no oven");
  const Subscription cook = dispatcher->Subscribe(
      [&](const Ordered&) -> const absl::Status& { return status; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Ordered{1}));
  Settle();
  EXPECT_EQ(StatsOf<Ordered>().deliveries.dead, 1U);
}

TEST_P(ReturnedTest, AReplacementMayReturnEventsToo) {
  Subscription cook = dispatcher->Subscribe([](const Ordered&) {}, Options());
  EXPECT_EQ(cook.Replace([](const Ordered&) { return Wanted{8}; }), ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Ordered{1}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{8});
}

TEST_P(ReturnedTest, E1_OneThatIsRefusedIsAFailureAndTheOthersArePublished) {
  std::string what;
  const Subscription told =
      dispatcher->Subscribe([&](const ListenerFailed& failed) { what = failed.what; }, Options());
  const Subscription small = dispatcher->Subscribe(
      [](const Wanted&) {},
      {.name = "small", .queue = {.bytes_max = 200}, .overflow = Overflow::Reject()});
  const Subscription cook = dispatcher->Subscribe(
      [](const Ordered&) {
        return std::vector<Wanted>{{1, std::string(500, 'x')}, {2, "ham"}};
      },
      Options("cook"));
  ASSERT_TRUE(dispatcher->Publish(Ordered{1}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{2});
  EXPECT_NE(what.find("Wanted, which was refused: the event is larger than all that the queue of"),
            std::string::npos)
      << what;
  EXPECT_EQ(StatsOf<Ordered>().deliveries.dead, 1U);
}

}  // namespace
}  // namespace belfry
