#include <cstdint>
#include <iostream>
#include <string>

#include <boost/describe.hpp>

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/plugin_host.h"

struct OrderPlaced {
  std::int64_t order = 0;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order, cents))
BELFRY_EVENT_NAME(OrderPlaced, "shop.order_placed", 1);

struct Greeted {
  std::string whom;
};
BOOST_DESCRIBE_STRUCT(Greeted, (), (whom))
BELFRY_EVENT_NAME(Greeted, "shop.greeted", 1);

int main(int, char** arguments) {
  belfry::Dispatcher dispatcher({.synchronous = true});
  const belfry::Subscription seen = dispatcher.Subscribe(
      [](const Greeted& greeted) { std::cout << "hello, " << greeted.whom << "\n"; });

  belfry::PluginHost host(dispatcher);
  host.Expose(belfry::Exposed<OrderPlaced>());
  host.Expose(belfry::Exposed<Greeted>());
  const absl::StatusOr<std::string> id = host.Load(arguments[1]);
  const absl::Status started = id.ok() ? host.Start(*id) : id.status();
  if (!started.ok()) std::cout << started << "\n";

  dispatcher.Publish(OrderPlaced{7, 650});
}
