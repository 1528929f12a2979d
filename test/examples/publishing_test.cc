// The examples in the headers that publishers need, and those of what the library tells and counts.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/status/status.h"
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "belfry/ambient_context.h"
#include "belfry/batch.h"
#include "belfry/check.h"
#include "belfry/describe_stats.h"
#include "belfry/dispatcher.h"
#include "belfry/event_type.h"
#include "belfry/interceptor.h"
#include "belfry/library_events.h"
#include "belfry/life_cycle.h"
#include "belfry/manual_timers.h"
#include "belfry/publish_options.h"
#include "belfry/publisher.h"
#include "belfry/signals2.h"
#include "belfry/stats_json.h"

namespace belfry {
namespace {

class PublishingExample : public testing::Test {
 protected:
  Dispatcher dispatcher{{.synchronous = true}};
};

TEST_F(PublishingExample, APublisherMayBeGivenAway) {
  struct Clicked {};
  struct Button {
    std::function<void()> on_click;
  } button;
  int clicks = 0;
  const Subscription counting = dispatcher.Subscribe([&](const Clicked&) { ++clicks; });
  // example: publisher.h
  button.on_click = [publisher = dispatcher.publisher()] { publisher.Publish(Clicked{}); };
  // end of example
  button.on_click();
  EXPECT_EQ(clicks, 1);
}

TEST(FlowExample, AContextGoesOnOnAnotherThread) {
  struct Uploaded {};
  struct ImageResized {};
  Dispatcher dispatcher{{.synchronous = true}};
  std::string tenant;
  const Subscription resized = dispatcher.Subscribe([&](const ImageResized&, Context& context) {
    tenant = std::string(context.envelope().baggage("tenant"));
  });
  std::thread worker;
  const Subscription uploads = dispatcher.Subscribe([&](const Uploaded&) {
    // example: ambient_context.h
    std::thread resizing([&dispatcher, context = belfry::AmbientContext::Current()] {
      const belfry::AmbientScope scope(context);  // as in the delivery in which it was captured
      dispatcher.Publish(ImageResized{});
    });
    // end of example
    worker = std::move(resizing);
  });
  dispatcher.Publish(Uploaded{}, {.baggage = {{"tenant", "7"}}});
  worker.join();
  EXPECT_EQ(tenant, "7");
}

TEST(FlowExample, InterceptorsStandAroundPublishesAndDeliveries) {
  struct OrderPlaced {};
  std::vector<std::string> notes;
  const auto Note = [&](std::string_view listener, std::string_view event,
                        std::chrono::steady_clock::time_point, bool failed) {
    notes.push_back(std::string(listener) + (failed ? " failed on " : " handled ") +
                    std::string(event.substr(event.rfind(':') + 1)));
  };
  // example: interceptor.h
  belfry::Interceptor timing{
      .around_publish =
          [](const belfry::AnyEvent&, belfry::PublishOptions& options, belfry::PublishNext& next) {
            options.headers.push_back({"host", "till-3"});
            return next();
          },
      .around_delivery =
          [&](const belfry::AnyEvent& event, belfry::Context& context, belfry::DeliveryNext& next) {
            const auto start = std::chrono::steady_clock::now();
            belfry::Failure failure = next();
            Note(context.listener_name(), event.type().name(), start, bool{failure});
            return failure;
          }};
  belfry::Dispatcher dispatcher({.interceptors = {timing}});
  // end of example
  std::string host;
  const Subscription kitchen = dispatcher.Subscribe(
      [&](const OrderPlaced&, Context& context) {
        host = std::string(context.envelope().header("host"));
      },
      {.name = "kitchen", .run = Run::kInline});
  dispatcher.Publish(OrderPlaced{});
  EXPECT_EQ(host, "till-3");
  EXPECT_EQ(notes, std::vector<std::string>{"kitchen handled OrderPlaced"});
}

TEST(SchedulingExample, TimeStandsStillUntilATestMovesIt) {
  struct DinnerIsCold {};
  // example: manual_timers.h
  belfry::ManualTimers timers;
  belfry::Dispatcher dispatcher({.synchronous = true, .clock = &timers.clock(), .timers = &timers});
  dispatcher.PublishAfter(std::chrono::minutes(5), DinnerIsCold{});
  timers.Advance(std::chrono::minutes(5));  // published here, on this thread
  // end of example
  std::uint64_t published = 0;
  for (const TypeStats& type : dispatcher.GetStats().types) {
    if (type.event_type == EventTypeOf<DinnerIsCold>()) published = type.published;
  }
  EXPECT_EQ(published, 1U);
}

TEST(SchedulingExample, WhatIsToBePublishedLaterMayBeCancelled) {
  struct CartForgotten {
    int customer = 0;
  };
  Dispatcher dispatcher;
  // example: scheduled.h
  belfry::Scheduled reminder = dispatcher.PublishAfter(std::chrono::hours(24), CartForgotten{7});
  reminder.Cancel();  // the order came in time
  // end of example
  EXPECT_FALSE(reminder.pending());
}

TEST_F(PublishingExample, ABatchIsPublishedWhenAllWentWell) {
  struct Item {
    int id = 0;
    bool in_stock = true;
  };
  struct Order {
    std::vector<Item> items;
  };
  struct ItemReserved {
    int id = 0;
  };
  std::vector<int> reserved;
  const Subscription listener =
      dispatcher.Subscribe([&](const ItemReserved& item) { reserved.push_back(item.id); });
  const auto Reserve = [](const Item& item) {
    if (!item.in_stock) throw std::runtime_error("sold out");
  };
  bool given_back = false;
  const auto GiveBack = [&](const Order&) { given_back = true; };
  const auto place = [&](const Order& order) {
    // example: batch.h
    belfry::Batch batch(dispatcher);
    for (const Item& item : order.items) {
      Reserve(item);  // throws: nothing has been published
      batch.Add(ItemReserved{item.id});
    }
    if (!batch.Commit()) GiveBack(order);
    // end of example
  };
  EXPECT_THROW(place({{{.id = 1}, {.id = 2, .in_stock = false}}}), std::runtime_error);
  EXPECT_TRUE(reserved.empty());
  place({{{.id = 1}, {.id = 3}}});
  EXPECT_EQ(reserved, (std::vector{1, 3}));
  dispatcher.Shutdown(ShutdownMode::kDrain, Nanoseconds::zero());
  EXPECT_FALSE(given_back);
  place({{{.id = 4}}});
  EXPECT_TRUE(given_back);
}

TEST_F(PublishingExample, APublishMaySayWhereItComesFrom) {
  struct RequestReceived {
    std::string path;
  };
  const EventId connection_opened = dispatcher.NewEventId();
  std::vector<EventId> links;
  const Subscription listener = dispatcher.Subscribe([&](const RequestReceived&, Context& context) {
    links.assign(context.envelope().links().begin(), context.envelope().links().end());
    EXPECT_EQ(context.envelope().correlation_id(), context.envelope().id());
  });
  // example: publish_options.h
  dispatcher.Publish(RequestReceived{"/"}, {.cause = Cause{}, .links = {connection_opened}});
  // end of example
  EXPECT_EQ(links, (std::vector{connection_opened}));
}

// example: event_type.h
namespace shop {
struct OrderPlaced {
  std::string pizza;
};
BELFRY_EVENT_NAME(OrderPlaced, "shop.order_placed", 1);  // optional: see below
}  // namespace shop
belfry::EventType type = belfry::EventTypeOf<shop::OrderPlaced>();
// end of example

TEST_F(PublishingExample, ATypeHasTheNameItWasGiven) {
  EXPECT_EQ(type.name(), "shop.order_placed");
  EXPECT_EQ(type.schema_version(), 1U);
}

TEST_F(PublishingExample, FailuresAreEvents) {
  static std::string alert;
  static const auto Alert = [](const std::string& text) { alert = text; };
  // example: library_events.h
  auto failures = dispatcher.Subscribe(
      [](const belfry::ListenerFailed& f) { Alert(f.listener + ": " + f.what); });
  // end of example
  const Subscription fails = dispatcher.Subscribe(
      [](const shop::OrderPlaced&) { throw std::runtime_error("no oven"); }, {.name = "oven"});
  dispatcher.Publish(shop::OrderPlaced{"margherita"});
  EXPECT_EQ(alert, "oven: no oven");
}

TEST_F(PublishingExample, StatsArePrintedAsJson) {
  const Subscription listener =
      dispatcher.Subscribe([](const shop::OrderPlaced&) {}, {.name = "oven"});
  testing::internal::CaptureStdout();
  // example: stats_json.h
  std::cout << belfry::ToJson(dispatcher.GetStats()) << '\n';
  // end of example
  const auto stats = boost::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(stats.at("listeners").at(0).at("name"), "oven");
}

TEST_F(PublishingExample, StatsArePrintedForPeople) {
  const Subscription listener =
      dispatcher.Subscribe([](const shop::OrderPlaced&) {}, {.name = "oven"});
  testing::internal::CaptureStdout();
  // example: describe_stats.h
  std::cout << belfry::Describe(dispatcher.GetStats());
  // end of example
  EXPECT_NE(testing::internal::GetCapturedStdout().find("\n  oven "), std::string::npos);
}

TEST_F(PublishingExample, ASignalIsASourceAndASlotAListener) {
  struct LiftArrived {
    int floor = 0;
  };
  using LiftSlot = boost::signals2::slot<void(const LiftArrived&)>;
  const auto window = std::make_shared<int>();
  static int shown = 0;
  static const auto Show = [](int floor) { shown = floor; };
  // example: signals2.h
  boost::signals2::signal<void(int floor)> arrived;
  auto source = belfry::PublishFrom(dispatcher, "lift", arrived,
                                    [](int floor) { return LiftArrived{floor}; });
  auto panel = belfry::SubscribeSlot<LiftArrived>(dispatcher, LiftSlot([](const LiftArrived& lift) {
                                                                Show(lift.floor);
                                                              }).track_foreign(window));
  // end of example
  arrived(3);
  EXPECT_EQ(shown, 3);
}

TEST(LifeExample, ADispatchersLifeIsSignals) {
  static std::string noted;
  static const auto Note = [](std::string_view name) { noted = name; };
  // example: signals2.h
  belfry::DispatcherSignals life;
  life.subscribed().connect([](const belfry::ListenerInfo& l) { Note(l.name); });
  belfry::Dispatcher watched({.life_cycle = life.hooks()});
  // end of example
  const Subscription oven = watched.Subscribe([](const shop::OrderPlaced&) {}, {.name = "oven"});
  EXPECT_EQ(noted, "oven");
}

TEST(LifeExample, AHookIsToldOfListeners) {
  static std::string shown;
  static const auto Show = [](std::string_view name) { shown = name; };
  // example: life_cycle.h
  belfry::Dispatcher dispatcher(
      {.life_cycle = {.subscribed = [](const belfry::ListenerInfo& l) { Show(l.name); }}});
  // end of example
  const Subscription oven = dispatcher.Subscribe([](const shop::OrderPlaced&) {}, {.name = "oven"});
  EXPECT_EQ(shown, "oven");
}

// As much of the interfaces of absl/log/log.h and of spdlog as a bridge needs.
struct LogLine {
  explicit LogLine(absl::LogSeverity severity) { text << absl::LogSeverityName(severity) << ' '; }
  ~LogLine() { last = text.str(); }
  template <class T>
  LogLine& operator<<(const T& what) {
    text << what;
    return *this;
  }
  std::ostringstream text;
  static std::string last;
};
std::string LogLine::last;
#define LEVEL(severity) severity
#define LOG(severity) LogLine(severity)

namespace spdlog {
namespace level {
enum level_enum { trace, debug, info, warn, err };
}  // namespace level
std::string last;
template <class... Args>
void log(level::level_enum level, std::string_view format, const Args&... args) {
  std::ostringstream text;
  text << static_cast<int>(level) << ' ' << format << ' ';
  (text << ... << args);
  last = text.str();
}
}  // namespace spdlog

TEST(LogExample, ADispatchersLogIsPartOfTheProgramsLog) {
  // example: dispatcher_options.h
  belfry::Dispatcher with_absl({.log = [](belfry::LogLevel level, std::string_view text) {
    constexpr absl::LogSeverity kSeverities[] = {
        absl::LogSeverity::kInfo, absl::LogSeverity::kWarning, absl::LogSeverity::kError};
    LOG(LEVEL(kSeverities[static_cast<int>(level)])) << text;
  }});
  belfry::Dispatcher with_spdlog({.log = [](belfry::LogLevel level, std::string_view text) {
    constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::info, spdlog::level::warn,
                                                     spdlog::level::err};
    spdlog::log(kLevels[static_cast<int>(level)], "{}", text);
  }});
  // end of example
  for (Dispatcher* const dispatcher : {&with_absl, &with_spdlog}) {
    EXPECT_FALSE(
        dispatcher->Subscribe([](const shop::OrderPlaced&) {}, {.concurrency = 0}).status().ok());
  }
  EXPECT_EQ(LogLine::last.find("WARNING a subscription was refused: "), 0U) << LogLine::last;
  EXPECT_EQ(spdlog::last.find("3 {} a subscription was refused: "), 0U) << spdlog::last;
}

TEST(CheckExample, AbortsWithItsMessage) {
  int count = 1;
  const auto check = [&] {
    // example: check.h
    BELFRY_CHECK(count > 0, "the pool needs at least one thread");
    // end of example
  };
  check();
  count = 0;
  EXPECT_DEATH(check(), "count > 0.*the pool needs at least one thread");
}

}  // namespace
}  // namespace belfry
