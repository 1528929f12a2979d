// The smallest plugin, in C++: it says thank you for every order.
#include <cstdint>
#include <string>
#include <string_view>

#include "belfry/plugin.hpp"

namespace {

struct OrderPlaced {
  std::int64_t order;
  std::int64_t cents;
};

struct OrderThanked {
  std::int64_t order;
  std::uint32_t thanks;  // how many so far
};

class Hello {
 public:
  Hello(belfry::plugin::Host host, std::string_view /*config*/)
      : thanked_(host.Find(belfry::plugin::View<OrderThanked>("shop.order_thanked", 1)
                               .Field("order", &OrderThanked::order)
                               .Field("thanks", &OrderThanked::thanks))) {
    const auto placed = host.Find(belfry::plugin::View<OrderPlaced>("shop.order_placed", 1)
                                      .Field("order", &OrderPlaced::order)
                                      .Field("cents", &OrderPlaced::cents));
    host.Listen("thank", placed, [this](const OrderPlaced& order) { Thank(order); });
  }

 private:
  void Thank(const OrderPlaced& order) {
    if (order.cents <= 0) {
      throw belfry::plugin::Error(BELFRY_INVALID_ARGUMENT, "an order costs something");
    }
    thanked_.Publish({order.order, ++thanks_});
  }

  const belfry::plugin::ViewType<OrderThanked> thanked_;
  std::uint32_t thanks_ = 0;
};

}  // namespace

BELFRY_PLUGIN_CLASS(Hello, BELFRY_ID("hello") BELFRY_PLUGIN_VERSION("1.0.0")
                               BELFRY_LISTENS("shop.order_placed", 1)
                                   BELFRY_PUBLISHES("shop.order_thanked", 1));
