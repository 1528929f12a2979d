// A restaurant with Belfry. with_signals2.cc is the same with Boost.Signals2, and prints the same.

#include <algorithm>
#include <future>
#include <iostream>
#include <memory>
#include <string>

#include "belfry/dispatcher.h"
#include "belfry/returned_events.h"

struct Order {
  std::string dish;
  int price = 0;
};

// Like a signal: listeners run on the publishing thread, and have run when Publish returns. Without
// that they run on a pool of threads.
const belfry::DispatcherOptions kLikeASignal{.synchronous = true};

void ConnectAndDisconnect() {
  belfry::Dispatcher dispatcher(kLikeASignal);
  belfry::Subscription waiter = dispatcher.Subscribe(
      [](const Order& order) { std::cout << "the waiter brings " << order.dish << '\n'; });
  dispatcher.Publish(Order{"soup"});
  waiter.Reset();
  dispatcher.Publish(Order{"salad"});
}

void ForAScope() {
  belfry::Dispatcher dispatcher(kLikeASignal);
  {
    belfry::Subscription guest = dispatcher.Subscribe(
        [](const Order& order) { std::cout << "a guest looks at " << order.dish << '\n'; });
    dispatcher.Publish(Order{"soup"});
  }
  dispatcher.Publish(Order{"salad"});
}

struct Printer {
  void Print(const Order& order) { std::cout << "printed: " << order.dish << '\n'; }
};

void ForTheLifeOfAnObject() {
  belfry::Dispatcher dispatcher(kLikeASignal);
  auto printer = std::make_shared<Printer>();
  belfry::Subscription printing = dispatcher.Subscribe(printer, &Printer::Print);
  dispatcher.Publish(Order{"soup"});
  printer.reset();
  dispatcher.Publish(Order{"salad"});
}

// What comes later listens to what comes before it.
struct Paid {
  Order order;
};

void OneBehindTheOther() {
  belfry::Dispatcher dispatcher(kLikeASignal);
  belfry::Subscription cook = dispatcher.Subscribe(
      [](const Paid& paid) { std::cout << paid.order.dish << " is cooked\n"; });
  belfry::Subscription till = dispatcher.Subscribe([](const Order& order) {
    std::cout << order.dish << " is paid for\n";
    return Paid{order};
  });
  dispatcher.Publish(Order{"soup", 4});
}

void SilentForAWhile() {
  belfry::Dispatcher dispatcher(kLikeASignal);
  belfry::Subscription waiter = dispatcher.Subscribe(
      [](const Order& order) { std::cout << "the waiter brings " << order.dish << '\n'; });
  waiter.Mute();
  dispatcher.Publish(Order{"soup"});
  waiter.Unmute();
  dispatcher.Publish(Order{"salad"});
}

// What a listener of the question returns.
struct Offer {
  int price = 0;
};

void AnAnswerFromEach() {
  belfry::Dispatcher dispatcher(kLikeASignal);
  belfry::Subscription usual =
      dispatcher.Subscribe([](const Order& order) { return Offer{order.price}; });
  belfry::Subscription cheaper =
      dispatcher.Subscribe([](const Order& order) { return Offer{order.price - 1}; });
  int lowest = 1000;
  belfry::Subscription collecting =
      dispatcher.Subscribe([&](const Offer& offer) { lowest = std::min(lowest, offer.price); });
  dispatcher.Publish(Order{"soup", 4});
  std::cout << "the soup costs " << lowest << '\n';
}

// A Reset waits for calls on other threads.
void GoneForCertain() {
  belfry::Dispatcher dispatcher;
  std::promise<void> begun;
  belfry::Subscription cook = dispatcher.Subscribe([&](const Order& order) {
    begun.set_value();
    std::cout << order.dish << " is cooked\n";
  });
  dispatcher.Publish(Order{"soup"});
  begun.get_future().wait();
  cook.Reset();
  std::cout << "the kitchen is empty\n";
}

int main() {
  ConnectAndDisconnect();
  ForAScope();
  ForTheLifeOfAnObject();
  OneBehindTheOther();
  SilentForAWhile();
  AnAnswerFromEach();
  GoneForCertain();
}
