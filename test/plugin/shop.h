// The events of a host whose plugins are tested.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/describe.hpp>

#include "belfry/event_type.h"
#include "belfry/exposed_event.h"
#include "belfry/plugin_host.h"

namespace shop {

struct OrderPlaced {
  std::int64_t order = 0;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order, cents))
BELFRY_EVENT_NAME(OrderPlaced, "shop.order_placed", 1);

struct OrderThanked {
  std::int64_t order = 0;
  std::uint32_t thanks = 0;
};
BOOST_DESCRIBE_STRUCT(OrderThanked, (), (order, thanks))
BELFRY_EVENT_NAME(OrderThanked, "shop.order_thanked", 1);

// More than bytes: it crosses as JSON.
struct Greeted {
  std::string whom;
  std::optional<std::string> how;
};
BOOST_DESCRIBE_STRUCT(Greeted, (), (whom, how))
BELFRY_EVENT_NAME(Greeted, "shop.greeted", 2);

inline void ExposeAll(belfry::PluginHost& host) {
  host.Expose(belfry::Exposed<OrderPlaced>());
  host.Expose(belfry::Exposed<OrderThanked>());
  host.Expose(belfry::Exposed<Greeted>());
}

}  // namespace shop
