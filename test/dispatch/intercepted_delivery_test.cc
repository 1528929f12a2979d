// Interceptors around deliveries, and what both kinds have in common.

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/interceptor_mode.h"

namespace belfry {
namespace {

using Texts = std::vector<std::string>;

struct Order {
  int number = 0;
};
struct Letter {
  std::string text = std::string(100, 'x');
};
class InterceptedDeliveryTest : public InterceptorModeTest {};
BELFRY_IN_EVERY_MODE(InterceptedDeliveryTest);

// --- Around a delivery ---

TEST_P(InterceptedDeliveryTest, WhatItSaysIsHowTheDeliveryEnds) {
  MakeWith({AroundDelivery([this](const AnyEvent& event, Context& context, DeliveryNext& next) {
    EXPECT_EQ(context.envelope().event(), event.get());
    switch (event.As<Order>()->number) {
      case 0:
        return Failure();
      case 1:
        return Failure::Unwanted("not today");
      case 2:
        return Failure::Because("not today");
      case 3:
        throw std::runtime_error("it broke");
      case 4: {
        const Failure failure = next();
        Note(failure ? std::string(failure.what()) : "well");
        return Failure();
      }
      default:
        return next();
    }
  })});
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) -> absl::Status {
        ++calls;
        throw std::runtime_error("the listener broke");
      },
      Options("baker"));
  for (int number = 0; number < 6; ++number) ASSERT_TRUE(dispatcher->Publish(Order{number}));
  Settle();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(notes(), Texts{"the listener broke"});
  const DeliveryCounts counts = OnlyListener().deliveries;
  EXPECT_EQ(counts.filtered, 2U);
  EXPECT_EQ(counts.dead, 3U);
  EXPECT_EQ(counts.handled, 1U);
}

TEST_P(InterceptedDeliveryTest, TheFilterAndOnceDecideBeforeIt) {
  std::atomic<int> deliveries{0};
  MakeWith({AroundDelivery([&](const AnyEvent&, Context&, DeliveryNext& next) {
    ++deliveries;
    return next();
  })});
  ListenerOptions options = Options();
  options.filter = [](const Order& order) { return order.number == 2; };
  options.once = true;
  const Subscription listener = dispatcher->Subscribe([](const Order&) {}, options);
  for (int number = 0; number < 4; ++number) ASSERT_TRUE(dispatcher->Publish(Order{number % 3}));
  Settle();
  EXPECT_EQ(deliveries, 1);
}

TEST_P(InterceptedDeliveryTest, ItsFailuresCountForQuarantine) {
  MakeWith({AroundDelivery(
      [](const AnyEvent&, Context&, DeliveryNext&) { return Failure::Because("no"); })});
  ListenerOptions options = Options();
  options.quarantine = {.failures = 2, .within = std::chrono::hours(1)};
  const Subscription listener = dispatcher->Subscribe([](const Order&) {}, options);
  for (int number = 0; number < 4; ++number) {
    ASSERT_TRUE(dispatcher->Publish(Order{}));
    Settle();
  }
  EXPECT_TRUE(OnlyListener().muted);
  EXPECT_EQ(OnlyListener().deliveries.dead, 2U);
}

TEST_P(InterceptedDeliveryTest, EachAttemptIsADeliveryAndNoneAPublish) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "inline nothing is tried again";
  std::atomic<int> publishes{0};
  std::atomic<int> deliveries{0};
  MakeWith({Counting(publishes), AroundDelivery([&](const AnyEvent&, Context&, DeliveryNext& next) {
              Failure failure = next();
              if (++deliveries < 4) return Failure::Because("again");
              return failure;
            })});
  ListenerOptions options = Options();
  options.retry = {.attempts_max = 3, .delay = Nanoseconds(1)};
  options.dead_letters = true;
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe([&](const Order&) { ++calls; }, options);
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    timers.Advance(std::chrono::seconds(1));
    return dispatcher->dead_letters().size() == 1;
  }));
  EXPECT_EQ(deliveries, 3);
  ASSERT_TRUE(dispatcher->dead_letters().Retry(dispatcher->dead_letters().List()[0].number).ok());
  Settle();
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(publishes, 1);
  EXPECT_EQ(OnlyListener().deliveries.handled, 1U);
}

TEST_P(InterceptedDeliveryTest, TheOneThatReplacesACallableIsInterceptedToo) {
  std::atomic<int> deliveries{0};
  MakeWith({AroundDelivery([&](const AnyEvent&, Context&, DeliveryNext& next) {
    ++deliveries;
    return next();
  })});
  Subscription listener = dispatcher->Subscribe([](const Order&) {}, Options());
  std::atomic<int> calls{0};
  EXPECT_EQ(listener.Replace([&](const Order&, Context&) { ++calls; }), ReplaceResult::kDone);
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_EQ(deliveries, 1);
  EXPECT_EQ(calls, 1);
}

TEST_P(InterceptedDeliveryTest, AListenerToSeveralTypesIsInterceptedWithTheEventItGets) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "inline listeners have one type";
  MakeWith({AroundDelivery([this](const AnyEvent& event, Context&, DeliveryNext& next) {
    Note(event.As<Order>() != nullptr ? std::to_string(event.As<Order>()->number) : "a letter");
    return next();
  })});
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      EventTypes<Order, Letter, Orphaned>(), [&](const auto&) { ++calls; }, Options());
  ASSERT_TRUE(dispatcher->Publish(Order{7}));
  ASSERT_TRUE(dispatcher->Publish(Letter{}));
  ASSERT_TRUE(dispatcher->Publish(std::string("an orphan")));
  Settle();
  EXPECT_EQ(notes(), (Texts{"7", "a letter"}));
  EXPECT_EQ(calls, 3);
}

// --- Both ---

TEST_P(InterceptedDeliveryTest, E4_TheLibrarysOwnEventsAreNotIntercepted) {
  MakeWith({Noting("a")});
  std::atomic<int> told{0};
  const Subscription failures =
      dispatcher->Subscribe([&](const ListenerFailed&) { ++told; }, Options());
  const Subscription orphans = dispatcher->Subscribe([&](const Orphaned&) { ++told; }, Options());
  const Subscription failing =
      dispatcher->Subscribe([](const Order&) { throw std::runtime_error("failed"); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  ASSERT_TRUE(dispatcher->Publish(Letter{}));
  Settle();
  EXPECT_EQ(told, 2);
  int deliveries = 0;
  for (const std::string& note : notes()) deliveries += note == "a deliver" ? 1 : 0;
  EXPECT_EQ(deliveries, 1);
}

TEST_P(InterceptedDeliveryTest, E1_ForcedUnwindingPassesThrough) {
  if (!on_publishing_thread()) GTEST_SKIP() << "an executor's threads are not cancelled";
  std::atomic<int> where{0};
  const auto exit_at = [&](int place) {
    if (where == place) pthread_exit(nullptr);
  };
  MakeWith({{.around_publish =
                 [&](const AnyEvent&, PublishOptions&, PublishNext& next) {
                   exit_at(1);
                   const PublishResult result = next();
                   exit_at(2);
                   return result;
                 },
             .around_delivery =
                 [&](const AnyEvent&, Context&, DeliveryNext& next) {
                   exit_at(3);
                   return next();
                 }}});
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) {
        exit_at(4);
        ++calls;
      },
      Options());
  for (int place = 1; place <= 4; ++place) {
    where = place;
    std::thread doomed([&] { static_cast<void>(dispatcher->Publish(Order{})); });
    doomed.join();
  }
  where = 0;
  Settle();
  EXPECT_EQ(StatsOf<Order>().published, 3U);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_EQ(calls, 2);
}

TEST_P(InterceptedDeliveryTest, OneThatPublishesTwiceAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  MakeWith({AroundPublish([](const AnyEvent&, PublishOptions&, PublishNext& next) {
    static_cast<void>(next());
    return next();
  })});
  EXPECT_DEATH(static_cast<void>(dispatcher->Publish(Order{})),
               "an interceptor publishes an event at most once");
}

TEST_P(InterceptedDeliveryTest, OneMayCallTheListenerAgain) {
  MakeWith({AroundDelivery([](const AnyEvent&, Context&, DeliveryNext& next) {
    const Failure first = next();
    return first ? next() : Failure();
  })});
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Order&) {
        if (++calls == 1) throw std::runtime_error("not yet");
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Order{}));
  Settle();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(OnlyListener().deliveries.handled, 1U);
}

TEST_P(InterceptedDeliveryTest, ThreadsPublishThroughThemAtOnce) {
  std::atomic<int> publishes{0};
  std::atomic<int> deliveries{0};
  MakeWith({Counting(publishes), AroundDelivery([&](const AnyEvent&, Context&, DeliveryNext& next) {
              ++deliveries;
              return next();
            })});
  std::atomic<int> calls{0};
  const Subscription listener = dispatcher->Subscribe([&](const Order&) { ++calls; }, Options());
  PublishFromThreads(4, 500, [](int, int i) { return Order{i}; });
  EXPECT_GE(publishes, 2000) << "again for each time that it is tried";
  EXPECT_EQ(deliveries, 2000);
  EXPECT_EQ(calls, 2000);
}

}  // namespace
}  // namespace belfry
