// A plugin that says what it hears. Its configuration must have a name.
#include <string>
#include <string_view>

#include "belfry/plugin.hpp"

namespace {

class Hearer {
 public:
  Hearer(belfry::plugin::Host host, std::string_view /*config*/) : host_(host) {
    host.Listen("hear", host.FindJson("talk.answered", 1), [this](std::string_view answer) {
      host_.Log(BELFRY_LOG_INFO, "heard " + std::string(answer));
    });
  }
  ~Hearer() { host_.Log(BELFRY_LOG_INFO, "ends"); }

 private:
  const belfry::plugin::Host host_;
};

}  // namespace

BELFRY_PLUGIN_CLASS(Hearer,
                    BELFRY_ID("hearer") BELFRY_PLUGIN_VERSION("1.0")
                        BELFRY_LISTENS("talk.answered", 1) BELFRY_REQUIRES_KEY("name", "text"));
