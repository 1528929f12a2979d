// A module whose listener throws an exception of a type that nobody else has.
#include <exception>

#include "belfry/plugin.h"

namespace {

class ColdOven : public std::exception {
 public:
  const char* what() const noexcept override { return "the oven is cold"; }
};

belfry_code Start(const belfry_host* host, belfry_text, belfry_instance**, belfry_error* error) {
  belfry_event_description described{};
  described.size = sizeof(described);
  described.name = belfry_text_of("shop.order_placed");
  described.schema_version = 1;
  const belfry_event_type* type = nullptr;
  const belfry_code code = host->find_event(host->context, &described, &type, error);
  if (code != BELFRY_OK) return code;

  belfry_listener listener{};
  listener.size = sizeof(listener);
  listener.name = belfry_text_of("bake");
  listener.type = type;
  listener.forms = BELFRY_JSON;
  listener.on_event = [](void*, const belfry_event*, belfry_error*) -> belfry_code {
    throw ColdOven();
  };
  return host->subscribe(host->context, &listener, nullptr, error);
}

void Stop(belfry_instance*) {}

}  // namespace

BELFRY_PLUGIN(BELFRY_ID("throwing") BELFRY_PLUGIN_VERSION("1")
                  BELFRY_LISTENS("shop.order_placed", 1),
              Start, Stop);
