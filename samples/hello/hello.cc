#include <iostream>
#include <string>

#include "belfry/dispatcher.h"

struct OrderPlaced {
  std::string pizza;
};
struct PizzaBaked {
  std::string pizza;
};

int main() {
  belfry::Dispatcher dispatcher;  // with a thread pool of its own

  belfry::Subscription oven = dispatcher.Subscribe(
      [&](const OrderPlaced& order) { dispatcher.Publish(PizzaBaked{order.pizza}); });

  belfry::Subscription waiter = dispatcher.Subscribe(
      [](const PizzaBaked& baked) { std::cout << "Here is your " << baked.pizza << ".\n"; });

  dispatcher.Publish(OrderPlaced{"margherita"});  // returns at once: the oven runs on the pool
  dispatcher.Drain();                             // until nothing is queued and nothing runs
}
