// Stats as JSON: every number and every option arrives under its name.

#include "belfry/stats_json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "belfry/dispatcher.h"

namespace belfry {
namespace {

namespace json = boost::json;

struct Priced {
  int symbol = 0;
};
BELFRY_EVENT_NAME(Priced, "test.priced", 1);

json::value Parsed(const Stats& stats) { return json::parse(json::serialize(ToJson(stats))); }

TEST(StatsJsonTest, ADispatcherWithoutAnythingHasEmptyLists) {
  Dispatcher dispatcher({.synchronous = true});
  EXPECT_EQ(Parsed(dispatcher.GetStats()),
            json::parse(R"({"types": [], "listeners": [], "scheduled": 0, "dead_letters": 0})"));
}

TEST(StatsJsonTest, AListenerIsToldWithItsOptionsAndItsCounters) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  ListenerOptions options{.name = "show \"it\"", .queue = {.events_max = 7, .bytes_max = 700}};
  options.overflow = Overflow::Coalesce([](const Priced& priced) { return priced.symbol; });
  options.key = [](const Priced& priced) { return priced.symbol; };
  options.concurrency = 3;
  options.filter = [](const Priced& priced) { return priced.symbol > 0; };
  Subscription queued = dispatcher.Subscribe([](const Priced&) {}, options);
  const unsigned line = __LINE__ - 1;
  const Subscription inlined = dispatcher.Subscribe(
      [](const Priced&) {}, {.name = "at once", .run = Run::kInline, .once = true});
  ASSERT_TRUE(dispatcher.Publish(Priced{1}));
  ASSERT_TRUE(dispatcher.Publish(Priced{0}));
  ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  queued.Mute();

  const json::value stats = Parsed(dispatcher.GetStats());
  const json::object& type = stats.at("types").at(0).as_object();
  EXPECT_EQ(type.at("type"), "test.priced");
  EXPECT_EQ(type.at("published"), 2);
  EXPECT_EQ(type.at("deliveries").at("handled"), 2);
  ASSERT_EQ(stats.at("listeners").as_array().size(), 1U) << "the other one has ended";
  const json::object& listener = stats.at("listeners").at(0).as_object();
  EXPECT_EQ(listener.at("name"), "show \"it\"");
  EXPECT_EQ(listener.at("type"), "test.priced");
  EXPECT_NE(std::string(listener.at("file").as_string()).find("stats_json_test.cc"),
            std::string::npos);
  EXPECT_EQ(listener.at("line"), line);
  EXPECT_EQ(listener.at("run"), "queued");
  EXPECT_EQ(listener.at("queue"),
            json::parse(R"({"events_max": 7, "bytes_max": 700, "overflow": "coalesce"})"));
  EXPECT_EQ(listener.at("concurrency"), 3);
  EXPECT_EQ(listener.at("phase"), "normal");
  EXPECT_EQ(listener.at("priority"), 0);
  EXPECT_EQ(listener.at("keyed"), true);
  EXPECT_EQ(listener.at("filtered"), true);
  EXPECT_EQ(listener.at("once"), false);
  EXPECT_EQ(listener.at("owned"), false);
  EXPECT_EQ(listener.at("muted"), true);
  EXPECT_EQ(listener.at("deliveries"),
            json::parse(R"({"offered": 2, "handled": 1, "dead": 0, "filtered": 1, "dropped": 0,
                            "coalesced": 0, "expired": 0, "cancelled": 0, "queued": 0,
                            "running": 0, "retrying": 0})"));
}

TEST(StatsJsonTest, WhatWaitsOutsideOfQueuesIsCounted) {
  Dispatcher dispatcher({.pool = {.threads = 1}, .log = [](LogLevel, std::string_view) {}});
  const Subscription listener = dispatcher.Subscribe(
      [](const Priced&) { throw std::runtime_error("too dear"); }, {.dead_letters = true});
  ASSERT_TRUE(dispatcher.Publish(Priced{1}));
  ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  ASSERT_TRUE(dispatcher.PublishAfter(std::chrono::hours(1), Priced{2}).result());
  const json::value stats = Parsed(dispatcher.GetStats());
  EXPECT_EQ(stats.at("scheduled"), 1);
  EXPECT_EQ(stats.at("dead_letters"), 1);
}

TEST(StatsJsonTest, AnInlineListenerHasNoQueueToTellOf) {
  Dispatcher dispatcher({.pool = {.threads = 1}});
  const Subscription inlined = dispatcher.Subscribe(
      [](const Priced&) {},
      {.run = Run::kInline, .order = {.phase = Phase::kLate, .priority = -3}, .once = true});
  const json::value stats = Parsed(dispatcher.GetStats());
  const json::object& listener = stats.at("listeners").at(0).as_object();
  EXPECT_EQ(listener.at("run"), "inline");
  EXPECT_EQ(listener.at("phase"), "late");
  EXPECT_EQ(listener.at("priority"), -3);
  EXPECT_EQ(listener.at("once"), true);
  EXPECT_FALSE(listener.contains("queue"));
}

}  // namespace
}  // namespace belfry
