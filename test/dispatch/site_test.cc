// Listeners that pile up at one place in the source.

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"
#include "dispatch/site_count.h"

namespace belfry {
namespace {

struct Clicked {
  int button = 0;
};

class SiteTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    Make([](DispatcherOptions& options) { options.listeners_per_site_max = 10; });
  }
  Subscription Telling() {
    return dispatcher->Subscribe([this](const ListenersPiledUp& pile) { told.push_back(pile); });
  }
  Subscription Listening() {
    return dispatcher->Subscribe([](const Clicked&) {}, Options());
  }

  std::vector<ListenersPiledUp> told;
  std::vector<Subscription> kept;

  std::deque<std::string> files;  // of places that there are not; for as long as their listeners
};
BELFRY_IN_EVERY_MODE(SiteTest);

TEST_P(SiteTest, E4_ListenersThatPileUpAtOnePlaceAreToldOnce) {
  const Subscription telling = Telling();
  for (int i = 0; i < 10; ++i) kept.push_back(Listening());
  Settle();
  EXPECT_TRUE(told.empty());
  for (int i = 0; i < 100; ++i) kept.push_back(Listening());
  Settle();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].event_type, EventTypeOf<Clicked>());
  EXPECT_NE(told[0].file.find("site_test.cc"), std::string::npos);
  EXPECT_EQ(told[0].line, dispatcher->GetStats().listeners.back().traits.site.line);
  EXPECT_EQ(told[0].listeners, 11U);
}

TEST_P(SiteTest, E4_WithoutAListenerTheLogIsTold) {
  for (int i = 0; i < 11; ++i) kept.push_back(Listening());
  EXPECT_NE(log().find("11 listeners of"), std::string::npos) << log();
  EXPECT_NE(log().find("site_test.cc:"), std::string::npos) << log();
}

TEST_P(SiteTest, ThoseThatGoDoNotPileUp) {
  for (int i = 0; i < 1000; ++i) {
    kept.push_back(Listening());
    if (kept.size() == 5) kept.clear();
  }
  EXPECT_EQ(log(), "");
}

TEST_P(SiteTest, APileAmongManyOthersIsNoticed) {
  const auto other = [&] {
    files.push_back("other" + std::to_string(files.size()) + ".cc");
    kept.push_back(dispatcher->Subscribe([](const Clicked&) {}, Options(),
                                         Site{.file = files.back().c_str(), .line = 1}));
  };
  for (int i = 0; i < 500; ++i) other();
  EXPECT_EQ(log(), "");
  for (int i = 0; i < 300; ++i) kept.push_back(Listening());
  EXPECT_NE(log().find("site_test.cc:"), std::string::npos) << log();
}

TEST_P(SiteTest, ItMayBeTurnedOff) {
  Make([](DispatcherOptions& options) { options.listeners_per_site_max = 0; });
  for (int i = 0; i < 3000; ++i) kept.push_back(Listening());
  EXPECT_EQ(log(), "");
  kept.clear();
}

// However many there are, and wherever they come from.
TEST(SiteCountTest, WhatALookCostsIsConstantForEachSubscribe) {
  SiteCount count(10);
  std::vector<Site> sites;
  std::size_t looked_at = 0;
  for (unsigned line = 1; line <= 100'000; ++line) {
    for (int i = 0; i < 9; ++i) {
      sites.push_back({.file = "many.cc", .line = line});
      if (!count.Count()) continue;
      looked_at += sites.size();
      EXPECT_FALSE(count.Look(sites).has_value());
    }
  }
  EXPECT_LT(looked_at, 4 * sites.size());
}

TEST(SiteCountTest, OneHeaderInTwoFilesIsOnePlace) {
  const std::string one = "listener.h";
  const std::string two = "listener.h";
  SiteCount count(1);
  const auto pile =
      count.Look({{.file = one.c_str(), .line = 3}, {.file = two.c_str(), .line = 3}});
  ASSERT_TRUE(pile.has_value());
  EXPECT_EQ(pile->listeners, 2U);
  EXPECT_FALSE(count.Look({{one.c_str(), 3}, {two.c_str(), 3}}).has_value()) << "it was told";
}

}  // namespace
}  // namespace belfry
