// Interceptors around publishes.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/ambient_context.h"
#include "belfry/batch.h"
#include "dispatch/interceptor_mode.h"

namespace belfry {
namespace {

using Code = PublishResult::Code;
using Texts = std::vector<std::string>;

struct Order {
  int number = 0;
};
struct Letter {
  std::string text = std::string(100, 'x');
};
struct Fragile {
  Fragile() = default;
  Fragile(Fragile&&) { throw std::runtime_error("it broke"); }
};

class InterceptorTest : public InterceptorModeTest {};
BELFRY_IN_EVERY_MODE(InterceptorTest);

TEST_P(InterceptorTest, TheFirstIsTheOutermostBothWays) {
  MakeWith({Noting("a"), Noting("b")});
  const Subscription listener =
      dispatcher->Subscribe([this](const Order&) { Note("listener"); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  const Texts before{"a publish", "b publish"};
  const Texts delivery{"a deliver", "b deliver", "listener", "b delivered", "a delivered"};
  const Texts after{"b published", "a published"};
  Texts expected = before;
  if (!on_publishing_thread() && !threaded()) {
    expected.insert(expected.end(), after.begin(), after.end());
  }
  expected.insert(expected.end(), delivery.begin(), delivery.end());
  if (on_publishing_thread()) expected.insert(expected.end(), after.begin(), after.end());
  EXPECT_EQ(notes(), expected);
}

// --- Around a publish ---

TEST_P(InterceptorTest, WhatItChangesInTheOptionsIsWhatTheEventGets) {
  const Cause cause{{7, 1}, {7, 2}};
  MakeWith({AroundPublish([&](const AnyEvent& event, PublishOptions& options, PublishNext& next) {
    EXPECT_EQ(event.type(), EventTypeOf<Order>());
    EXPECT_EQ(event.As<Order>()->number, 3);
    EXPECT_EQ(event.As<Letter>(), nullptr);
    options.headers.push_back({"host", "till"});
    options.baggage.push_back({"tenant", "7"});
    options.cause = cause;
    return next();
  })});
  std::string host;
  std::string tenant;
  EventId causation;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&, Context& context) {
        host = std::string(context.envelope().header("host"));
        tenant = std::string(context.envelope().baggage("tenant"));
        causation = context.envelope().causation_id();
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Order{3}));
  Settle();
  EXPECT_EQ(host, "till");
  EXPECT_EQ(tenant, "7");
  EXPECT_EQ(causation, cause.causation);
}

TEST_P(InterceptorTest, AScopeAroundNextIsForTheEvent) {
  MakeWith({AroundPublish([](const AnyEvent&, PublishOptions&, PublishNext& next) {
    AmbientContext context(Cause{{7, 1}, {7, 2}});
    EXPECT_TRUE(context.Carry({{"tenant", "7"}}));
    const AmbientScope scope(context);
    return next();
  })});
  std::string tenant;
  EventId causation;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&, Context& context) {
        tenant = std::string(context.envelope().baggage("tenant"));
        causation = context.envelope().causation_id();
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Order{3}));
  Settle();
  EXPECT_EQ(tenant, "7");
  EXPECT_EQ(causation, (EventId{7, 2}));
}

TEST_P(InterceptorTest, OneThatDoesNotGoOnRefusesTheEvent) {
  std::optional<PublishResult> says;
  MakeWith({AroundPublish([&](const AnyEvent& event, PublishOptions&, PublishNext& next) {
    if (event.As<Letter>() != nullptr && says.has_value()) return *says;
    return next();
  })});
  std::atomic<int> calls{0};
  const Subscription letters = dispatcher->Subscribe([&](const Letter&) { ++calls; }, Options());
  Letter letter;
  for (const PublishResult say : {PublishResult(Code::kIntercepted, 0), PublishResult()}) {
    says = say;
    const PublishResult result = dispatcher->Publish(std::move(letter));
    EXPECT_EQ(result.code(), Code::kIntercepted);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(letter.text.size(), 100U) << "it is not moved from";
  }
  says = PublishResult(Code::kTooLarge, 0);
  EXPECT_EQ(dispatcher->PublishTracked(Letter{}).Wait().result.code(), Code::kTooLarge);
  Settle();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(StatsOf<Letter>().refused, 3U);
  EXPECT_EQ(StatsOf<Letter>().published, 0U);
  says.reset();
  ASSERT_TRUE(dispatcher->Publish(std::move(letter)));
  Settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(InterceptorTest, WhatItThrowsBeforeItGoesOnLeavesPublishWithNothingPublished) {
  MakeWith({Noting("outer"),
            AroundPublish([](const AnyEvent&, PublishOptions&, PublishNext&) -> PublishResult {
              throw std::runtime_error("refused");
            })});
  const Subscription listener = dispatcher->Subscribe([](const Order&) {}, Options());
  EXPECT_THROW(static_cast<void>(dispatcher->Publish(Order{})), std::runtime_error);
  EXPECT_THROW(static_cast<void>(dispatcher->PublishTracked(Order{})), std::runtime_error);
  Settle();
  EXPECT_EQ(notes(), (Texts{"outer publish", "outer publish"}));
  EXPECT_EQ(StatsOf<Order>().published, 0U);
}

TEST_P(InterceptorTest, WhatItThrowsLaterIsLoggedAndThePublishIsWhatItIs) {
  MakeWith({AroundPublish([](const AnyEvent&, PublishOptions&, PublishNext& next) {
    EXPECT_TRUE(next());
    throw std::runtime_error("too late");
    return PublishResult();
  })});
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe([&](const Order&) { ++calls; }, Options());
  EXPECT_TRUE(dispatcher->Publish(Order{1}));
  Settle();
  EXPECT_EQ(calls, 1);
  EXPECT_NE(log().find("too late"), std::string::npos) << log();
}

TEST_P(InterceptorTest, WhatItReturnsLaterIsIgnored) {
  MakeWith({AroundPublish([](const AnyEvent&, PublishOptions&, PublishNext& next) {
    EXPECT_TRUE(next());
    return PublishResult(Code::kIntercepted, 0);
  })});
  EXPECT_TRUE(dispatcher->Publish(Order{1}));
  EXPECT_EQ(StatsOf<Order>().published, 1U);
  EXPECT_EQ(StatsOf<Order>().refused, 0U);
}

TEST_P(InterceptorTest, WhatTheEventsMoveThrowsPassesThroughThem) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "there it is not moved";
  MakeWith({Noting("outer")});
  const Subscription listener = dispatcher->Subscribe([](const Fragile&) {}, Options());
  EXPECT_THROW(static_cast<void>(dispatcher->Publish(Fragile{})), std::runtime_error);
  EXPECT_EQ(notes(), Texts{"outer publish"});
}

TEST_P(InterceptorTest, EveryWayToPublishIsIntercepted) {
  std::atomic<int> publishes{0};
  MakeWith({Counting(publishes)});
  const auto published = [&] {
    Settle();
    return publishes.exchange(0);
  };
  dispatcher->Publish(Order{});
  EXPECT_EQ(published(), 1) << "an orphan";
  std::atomic<int> calls{0};
  const Subscription orders = dispatcher->Subscribe([&](const Order&) { ++calls; }, Options());
  dispatcher->Publish(Order{});
  EXPECT_EQ(published(), 1);
  dispatcher->Publish(Order{}, {.headers = {{"a", "b"}}});
  EXPECT_EQ(published(), 1);
  dispatcher->Publish(std::make_shared<const Order>());
  EXPECT_EQ(published(), 1);
  dispatcher->Emplace<Order>(1);
  EXPECT_EQ(published(), 1);
  Completion<PublishOutcome> told = dispatcher->PublishTracked(Order{});
  EXPECT_EQ(published(), 1);
  EXPECT_TRUE(told.Wait().ok());
  Batch batch(dispatcher->publisher());
  batch.Add(Order{});
  batch.Add(Order{});
  EXPECT_EQ(published(), 0);
  EXPECT_TRUE(batch.Commit());
  EXPECT_EQ(published(), 2);
  dispatcher->PublishAfter(std::chrono::seconds(1), Order{});
  EXPECT_EQ(published(), 0) << "not before its time";
  timers.Advance(std::chrono::seconds(1));
  EXPECT_EQ(published(), 1);
  EXPECT_EQ(calls, 8);
  const Subscription answering =
      dispatcher->Subscribe([](const Letter&) { return Order{}; }, Options());
  dispatcher->Publish(Letter{});
  EXPECT_EQ(published(), 2) << "it and what was returned";
}

TEST_P(InterceptorTest, ADelayedEventThatIsRefusedIsOver) {
  std::atomic<int> publishes{0};
  MakeWith({AroundPublish([&](const AnyEvent&, PublishOptions&, PublishNext&) {
    ++publishes;
    return PublishResult(Code::kIntercepted, 0);
  })});
  const Scheduled later = dispatcher->PublishAfter(std::chrono::seconds(1), Order{});
  for (int i = 0; i < 3; ++i) {
    timers.Advance(std::chrono::hours(1));
    Settle();
  }
  EXPECT_FALSE(later.pending());
  EXPECT_EQ(publishes, 1);
}

TEST_P(InterceptorTest, OneThatPublishesWithoutEndIsRefused) {
  std::atomic<int> refused{0};
  MakeWith({AroundPublish([&](const AnyEvent& event, PublishOptions&, PublishNext& next) {
    if (event.As<Order>() != nullptr) {
      const PublishResult result = dispatcher->Publish(Order{});
      if (result.code() == Code::kTooDeep) ++refused;
    }
    return next();
  })});
  EXPECT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_EQ(refused, 1);
}

TEST_P(InterceptorTest, InlineListenersNestAsDeepAsWithoutThem) {
  if (mode() != Mode::kInline) GTEST_SKIP() << "elsewhere nothing nests";
  std::atomic<int> publishes{0};
  MakeWith({Counting(publishes)});
  int deepest = 0;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order& order) {
        deepest = order.number;
        const PublishResult result = dispatcher->Publish(Order{order.number + 1});
        EXPECT_TRUE(result.ok() || result.code() == Code::kTooDeep);
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Order{1}));
  EXPECT_EQ(deepest, 64);
}

TEST_P(InterceptorTest, AClosedDispatcherCallsNone) {
  std::atomic<int> publishes{0};
  MakeWith({Counting(publishes)});
  const Publisher publisher = dispatcher->publisher();
  dispatcher->Shutdown(ShutdownMode::kDrain, kPatience);
  EXPECT_EQ(publisher.Publish(Order{}).code(), Code::kClosed);
  dispatcher.reset();
  EXPECT_EQ(publisher.Publish(Order{}).code(), Code::kClosed);
  EXPECT_EQ(publishes, 0);
}

}  // namespace
}  // namespace belfry
