// The examples in the headers that listeners need.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/context.h"
#include "belfry/dispatcher.h"
#include "belfry/event_filter.h"
#include "belfry/event_key.h"
#include "belfry/listener_options.h"
#include "belfry/listener_order.h"
#include "belfry/observer.h"
#include "belfry/returned_events.h"
#include "belfry/subscription.h"
#include "belfry/subscription_bag.h"

namespace belfry {
namespace {

struct OrderPlaced {
  std::string pizza;
  std::string drink{};
  std::size_t guests = 1;
};
struct PizzaBaked {};
struct OrderCancelled {};
struct MailWanted {};
struct RatesWanted {};
struct UserSignedUp {};
BELFRY_EVENT_NAME(UserSignedUp, "user.signed_up", 1);
struct Checked {};
struct Order {
  int total = 0;
};
struct Payment {
  int account = 0;
};
struct Price {
  std::string symbol;
  int value = 0;
};
struct Moved {
  int x = 0;
};

TEST(ObserverExample, WhoeverPublishesIsShown) {
  static std::string shown;
  static const auto Show = [](std::string_view by, std::string_view type) {
    shown += std::string(by) + ">" + std::string(type) + " ";
  };
  // example: observer.h
  struct Trace final : belfry::Observer {
    void Published(const belfry::Envelope& envelope, const std::shared_ptr<const void>&,
                   const Who& by) noexcept override {
      Show(by.name, envelope.type().name());
    }
  };
  Trace trace;
  belfry::Dispatcher dispatcher({.observer = &trace});
  // end of example
  const Subscription oven = dispatcher.Subscribe([](const OrderPlaced&) { return PizzaBaked{}; },
                                                 {.name = "oven", .run = Run::kInline});
  ASSERT_TRUE(dispatcher.Publish(OrderPlaced{"funghi"}));
  EXPECT_THAT(shown, testing::MatchesRegex(">.*OrderPlaced oven>.*PizzaBaked "));
}

TEST(DispatcherExample, SaysHello) {
  testing::internal::CaptureStdout();
  {
    // example: dispatcher.h
    struct Greeted {
      std::string name;
    };

    belfry::Dispatcher dispatcher;
    belfry::Subscription hello = dispatcher.Subscribe(
        [](const Greeted& event) { std::cout << "Hello, " << event.name << "!\n"; });
    dispatcher.Publish(Greeted{"world"});
    dispatcher.Drain();
    // end of example
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "Hello, world!\n");
}

// What the examples call. Queued listeners run on the dispatcher's pool, one of them at a time.
class ListeningExample : public testing::Test {
 protected:
  struct Window {
    void OnMoved(const Moved& moved) { x = moved.x; }
    void Draw(const Moved& moved) { x = moved.x; }
    int x = 0;
  };

  void SetUp() override { calls_ = 0; }

  template <class E>
  static void Count(const E&) {
    ++calls_;
  }

  template <class E>
  void PublishAndDrain(E event) {
    ASSERT_TRUE(dispatcher.Publish(std::move(event)));
    ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  }

  static std::atomic<int> calls_;
  std::atomic<int> orders_{0};
  Dispatcher dispatcher;
};
std::atomic<int> ListeningExample::calls_{0};

TEST_F(ListeningExample, AMemberListensForAsLongAsItsObjectLives) {
  auto window = std::make_shared<Window>();
  // example: dispatcher.h
  auto moved = dispatcher.Subscribe(window, &Window::OnMoved);
  // end of example
  PublishAndDrain(Moved{7});
  EXPECT_EQ(window->x, 7);
  window.reset();
  PublishAndDrain(Moved{8});
}

TEST_F(ListeningExample, InlineListenersAreCalledInTheOrderThatTheyAskFor) {
  std::string called;
  const auto Pack = [&](const OrderPlaced&) { called += "pack "; };
  const auto Bill = [&](const OrderPlaced&) { called += "bill "; };
  const auto Check = [&](const OrderPlaced&) { called += "check "; };
  // example: listener_order.h
  auto pack = dispatcher.Subscribe(Pack, {.name = "pack", .run = Run::kInline});
  auto bill = dispatcher.Subscribe(Bill, {.run = Run::kInline, .order = {.before = {"pack"}}});
  auto check =
      dispatcher.Subscribe(Check, {.run = Run::kInline, .order = {.phase = Phase::kEarly}});
  // end of example
  PublishAndDrain(OrderPlaced{"margherita"});
  EXPECT_EQ(called, "check bill pack ");
}

TEST_F(ListeningExample, EachOptionDoesWhatItSays) {
  const auto SendWelcome = Count<OrderPlaced>;
  const auto Frown = Count<Order>;
  const auto Book = Count<Payment>;
  const auto Show = Count<Price>;
  const auto SendMail = Count<MailWanted>;
  const auto OpenCurtain = Count<OrderCancelled>;
  const auto Check = Count<Checked>;
  const auto window = std::make_shared<Window>();
  // example: listener_options.h
  auto welcome =
      dispatcher.Subscribe(SendWelcome, {.name = "mail.welcome", .overflow = Overflow::Reject()});
  auto frown =
      dispatcher.Subscribe(Frown, {.filter = [](const Order& order) { return order.total < 1; }});
  auto book = dispatcher.Subscribe(
      Book, {.key = [](const Payment& payment) { return payment.account; }, .concurrency = 4});
  auto show = dispatcher.Subscribe(
      Show, {.overflow = Overflow::Coalesce([](const Price& price) { return price.symbol; })});
  auto mail = dispatcher.Subscribe(
      SendMail,
      {.retry = {.attempts_max = 5}, .deadline = std::chrono::hours(1), .dead_letters = true});
  auto open = dispatcher.Subscribe(OpenCurtain, {.once = true});
  auto check =
      dispatcher.Subscribe(Check, {.run = Run::kInline, .order = {.phase = Phase::kEarly}});
  auto draw = dispatcher.Subscribe(
      [window = window.get()](const Moved& moved) { window->Draw(moved); }, {.owner = window});
  // end of example
  EXPECT_EQ(dispatcher.ListenerNames(EventTypeOf<OrderPlaced>()).at(0), "mail.welcome");
  const auto calls = [&](auto event) {
    calls_ = 0;
    PublishAndDrain(event);
    PublishAndDrain(event);
    return calls_.load();
  };
  EXPECT_EQ(calls(OrderPlaced{"margherita"}), 2);
  EXPECT_EQ(calls(Order{.total = 5}), 0);
  EXPECT_EQ(calls(Order{.total = 0}), 2);
  EXPECT_EQ(calls(Payment{1}), 2);
  EXPECT_EQ(calls(Price{"a", 1}), 2) << "nothing waits, so nothing is replaced";
  EXPECT_EQ(calls(MailWanted{}), 2);
  EXPECT_EQ(calls(OrderCancelled{}), 1);
  EXPECT_EQ(calls(Checked{}), 2);
  PublishAndDrain(Moved{7});
  EXPECT_EQ(window->x, 7);
}

TEST_F(ListeningExample, OneListenerIsForSeveralTypes) {
  std::atomic<int> audited{0};
  std::atomic<int> counted{0};
  const auto Audit = [&](const auto& /*event*/) { ++audited; };
  const auto Count = [&](const AnyEvent& /*event*/) { ++counted; };
  testing::internal::CaptureStdout();
  // example: event_selection.h
  auto audit = dispatcher.Subscribe(EventTypes<OrderPlaced, OrderCancelled>(), Audit);
  auto users = dispatcher.Subscribe(EventsNamed{"user.*"}, [](const belfry::AnyEvent& event) {
    std::cout << event.type().name() << "\n";
  });
  auto all = dispatcher.Subscribe(AllEvents(), Count);
  // end of example
  PublishAndDrain(OrderPlaced{"margherita"});
  PublishAndDrain(OrderCancelled{});
  PublishAndDrain(UserSignedUp{});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "user.signed_up\n");
  EXPECT_EQ(audited, 2);
  EXPECT_EQ(counted, 3);
}

TEST_F(ListeningExample, WhatFailsIsTriedAgain) {
  std::atomic<int> attempts{0};
  const auto SendMail = [&](const MailWanted&) {
    if (++attempts < 3) throw std::runtime_error("the server is busy");
  };
  // example: retry.h
  auto mail = dispatcher.Subscribe(SendMail, {.retry = {.attempts_max = 5}});
  // end of example
  PublishAndDrain(MailWanted{});
  EXPECT_EQ(attempts, 3);
}

TEST_F(ListeningExample, WhoFailsTooOftenIsMuted) {
  std::atomic<int> calls{0};
  const auto AskRates = [&](const RatesWanted&) {
    ++calls;
    return absl::UnavailableError("nobody answers");
  };
  // example: quarantine.h
  auto ask = dispatcher.Subscribe(
      AskRates, {.quarantine = {.failures = 10, .within = std::chrono::minutes(1)}});
  // end of example
  for (int i = 0; i < 12; ++i) PublishAndDrain(RatesWanted{});
  EXPECT_EQ(calls, 10);
}

TEST_F(ListeningExample, WhatFailedForGoodIsListedAndTriedAgain) {
  std::atomic<int> calls{0};
  const Subscription mail = dispatcher.Subscribe(
      [&](const MailWanted&) {
        if (++calls == 1) throw std::runtime_error("no such address");
      },
      {.name = "mail", .dead_letters = true});
  PublishAndDrain(MailWanted{});
  testing::internal::CaptureStdout();
  // example: dead_letters.h
  for (const belfry::DeadLetter& letter : dispatcher.dead_letters().List()) {
    std::cout << letter.listener << ": " << letter.what << "\n";
    if (const absl::Status again = dispatcher.dead_letters().Retry(letter.number); !again.ok()) {
      std::cout << again << "\n";
    }
  }
  // end of example
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "mail: no such address\n");
  EXPECT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(dispatcher.dead_letters().size(), 0U);
}

TEST_F(ListeningExample, AFilterChoosesEvents) {
  const auto Audit = Count<Order>;
  // example: event_filter.h
  auto audit =
      dispatcher.Subscribe(Audit, {.filter = [](const Order& order) { return order.total > 100; }});
  // end of example
  PublishAndDrain(Order{.total = 100});
  EXPECT_EQ(calls_, 0);
  PublishAndDrain(Order{.total = 101});
  EXPECT_EQ(calls_, 1);
}

TEST_F(ListeningExample, AKeySaysWhatAnEventIsAbout) {
  const auto Book = Count<Payment>;
  // example: event_key.h
  auto book =
      dispatcher.Subscribe(Book, {.key = [](const Payment& payment) { return payment.account; }});
  // end of example
  PublishAndDrain(Payment{1});
  EXPECT_EQ(calls_, 1);
  EXPECT_TRUE(dispatcher.GetStats().listeners.at(0).traits.keyed);
}

TEST_F(ListeningExample, WhatAListenerReturnsIsPublished) {
  struct PizzaWanted {
    std::string pizza;
  };
  struct DrinkWanted {
    std::string drink;
  };
  struct PlateWanted {};
  std::string pizza;
  std::string drink;
  int plates = 0;
  const Subscription pizzas =
      dispatcher.Subscribe([&](const PizzaWanted& wanted) { pizza = wanted.pizza; });
  const Subscription drinks =
      dispatcher.Subscribe([&](const DrinkWanted& wanted) { drink = wanted.drink; });
  const Subscription all_plates = dispatcher.Subscribe([&](const PlateWanted&) { ++plates; });
  // example: returned_events.h
  auto oven =
      dispatcher.Subscribe([](const OrderPlaced& order) { return PizzaWanted{order.pizza}; });
  auto bar = dispatcher.Subscribe([](const OrderPlaced& order) -> std::optional<DrinkWanted> {
    if (order.drink.empty()) return std::nullopt;
    return DrinkWanted{order.drink};
  });
  auto table = dispatcher.Subscribe(
      [](const OrderPlaced& order) { return std::vector<PlateWanted>(order.guests); });
  // end of example
  PublishAndDrain(OrderPlaced{.pizza = "margherita", .guests = 3});
  EXPECT_EQ(pizza, "margherita");
  EXPECT_EQ(drink, "");
  EXPECT_EQ(plates, 3);
  PublishAndDrain(OrderPlaced{.pizza = "funghi", .drink = "water"});
  EXPECT_EQ(drink, "water");
}

TEST_F(ListeningExample, AfterAResetNothingRuns) {
  // example: subscription.h
  belfry::Subscription subscription =
      dispatcher.Subscribe([this](const OrderPlaced&) { ++orders_; });
  subscription.Reset();  // after this no call runs, none will, and `this` may go
  // end of example
  PublishAndDrain(OrderPlaced{"margherita"});
  EXPECT_EQ(orders_, 0);
}

// example: subscription_bag.h
class Kitchen {
 public:
  explicit Kitchen(belfry::Dispatcher& dispatcher) {
    subscriptions_ += dispatcher.Subscribe([this](const OrderPlaced&) { ++orders_; });
    subscriptions_ += dispatcher.Subscribe([this](const OrderCancelled&) { --orders_; });
  }
  int orders() const { return orders_; }

 private:
  std::atomic<int> orders_{0};
  belfry::SubscriptionBag subscriptions_;  // last, so that it goes first
};
// end of example

TEST_F(ListeningExample, ABagEndsWithItsOwner) {
  {
    const Kitchen kitchen(dispatcher);
    PublishAndDrain(OrderPlaced{"margherita"});
    PublishAndDrain(OrderPlaced{"funghi"});
    PublishAndDrain(OrderCancelled{});
    EXPECT_EQ(kitchen.orders(), 1);
  }
  EXPECT_TRUE(dispatcher.GetStats().listeners.empty());
}

TEST_F(ListeningExample, AContextKnowsTheEventsId) {
  std::ostringstream log;
  // example: context.h
  auto audit = dispatcher.Subscribe([&](const OrderPlaced& order, belfry::Context& context) {
    log << ToString(context.envelope().id()) << ' ' << order.pizza << '\n';
  });
  // end of example
  const EventId id = dispatcher.NewEventId();
  ASSERT_TRUE(dispatcher.Publish(OrderPlaced{"margherita"}, {.id = id}));
  dispatcher.Drain();
  EXPECT_EQ(log.str(), ToString(id) + " margherita\n");
}

}  // namespace
}  // namespace belfry
