// Events that are kept for those who subscribe later.

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Weather {
  int degrees = 0;
  std::shared_ptr<int> content{};
};

class StickyTest : public ModeTest {
 protected:
  Subscription Listening(bool sticky = true) {
    return dispatcher->Subscribe([this](const Weather& weather) { got.push_back(weather.degrees); },
                                 {.name = "show", .sticky = sticky});
  }

  std::vector<int> got;
};

TEST_P(StickyTest, TheLastStickyEventIsTheFirstOfALateSubscriber) {
  ASSERT_TRUE(dispatcher->Publish(Weather{1}, {.sticky = true}));
  ASSERT_TRUE(dispatcher->Publish(Weather{2}, {.sticky = true}));
  ASSERT_TRUE(dispatcher->Publish(Weather{3}));
  const Subscription listener = Listening();
  ASSERT_TRUE(dispatcher->Publish(Weather{4}));
  Settle();
  EXPECT_EQ(got, (std::vector<int>{2, 4}));
  EXPECT_EQ(OnlyListener().deliveries.handled, 2U);
  EXPECT_EQ(StatsOf<Weather>().published, 4U);
}

TEST_P(StickyTest, OnlyThoseGetItWhoAskForIt) {
  const Subscription before = Listening(false);
  ASSERT_TRUE(dispatcher->Publish(Weather{1}, {.sticky = true}));
  Settle();
  const Subscription later = Listening(false);
  Settle();
  EXPECT_EQ(got, std::vector<int>{1});
}

TEST_P(StickyTest, ItIsTheSameEvent) {
  EventId first;
  EventId second;
  std::string header;
  const Subscription before = dispatcher->Subscribe(
      [&](const Weather&, Context& context) { first = context.envelope().id(); });
  ASSERT_TRUE(
      dispatcher->Publish(Weather{1}, {.headers = {{"station", "Aachen"}}, .sticky = true}));
  Settle();
  const Subscription later = dispatcher->Subscribe(
      [&](const Weather&, Context& context) {
        second = context.envelope().id();
        header = std::string(context.envelope().header("station"));
      },
      {.sticky = true});
  Settle();
  EXPECT_TRUE(first);
  EXPECT_EQ(first, second);
  EXPECT_EQ(header, "Aachen");
}

TEST_P(StickyTest, OneThatIsForgottenIsNotGiven) {
  EXPECT_FALSE(dispatcher->ForgetSticky<Weather>());
  const auto content = std::make_shared<int>();
  ASSERT_TRUE(dispatcher->Publish(Weather{1, content}, {.sticky = true}));
  EXPECT_EQ(content.use_count(), 2);
  EXPECT_TRUE(dispatcher->ForgetSticky<Weather>());
  EXPECT_EQ(content.use_count(), 1);
  const Subscription listener = Listening();
  ASSERT_TRUE(dispatcher->Publish(Weather{2}));
  Settle();
  EXPECT_EQ(got, std::vector<int>{2});
}

TEST_P(StickyTest, M1_TheEndOfTheDispatcherLetsItGo) {
  const auto content = std::make_shared<int>();
  ASSERT_TRUE(dispatcher->Publish(Weather{1, content}, {.sticky = true}));
  const Subscription listener = Listening();
  Settle();
  EXPECT_EQ(content.use_count(), 2);
  dispatcher.reset();
  EXPECT_EQ(content.use_count(), 1);
}

TEST_P(StickyTest, ItNeedsNoRoomAndAFilterMayRefuseIt) {
  ASSERT_TRUE(dispatcher->Publish(Weather{1}, {.sticky = true}));
  const Subscription none = dispatcher->Subscribe(
      [this](const Weather& weather) { got.push_back(weather.degrees); },
      {.name = "warm", .filter = [](const Weather& w) { return w.degrees > 20; }, .sticky = true});
  const Subscription failing = dispatcher->Subscribe(
      [](const Weather&) {}, {.name = "keyless",
                              .key = [](const Weather&) -> int { throw std::runtime_error("no"); },
                              .sticky = true});
  Settle();
  EXPECT_EQ(got, std::vector<int>{});
  EXPECT_EQ(StatsOf<Weather>().deliveries.filtered, 1U);
  EXPECT_EQ(StatsOf<Weather>().deliveries.dead, 1U);
}

TEST_P(StickyTest, R1_WhoSubscribesDuringPublishesGetsAllFromOneOnInOrder) {
  if (!threaded()) GTEST_SKIP() << "needs a thread that publishes meanwhile";
  for (int round = 0; round < 50; ++round) {
    got.clear();
    std::atomic<bool> published{false};
    std::thread publisher([&] {
      for (int i = 1; i <= 200; ++i) dispatcher->Publish(Weather{i}, {.sticky = true});
      published = true;
    });
    while (StatsOf<Weather>().published == 0) std::this_thread::yield();
    {
      const Subscription listener = Listening();
      publisher.join();
      Settle();
      ASSERT_FALSE(got.empty());
      for (std::size_t i = 1; i < got.size(); ++i) ASSERT_EQ(got[i], got[i - 1] + 1);
      ASSERT_EQ(got.back(), 200);
    }
    Make();
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, StickyTest,
                         testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

}  // namespace
}  // namespace belfry
