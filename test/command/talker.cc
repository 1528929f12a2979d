// A plugin that does what its configuration and what it hears say.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "belfry/plugin.hpp"
#include "belfry/plugin_timers.hpp"

namespace {

// Somebody has loaded it.
[[maybe_unused]] const int loaded = std::fputs("talker was loaded\n", stderr);

bool Has(std::string_view json, const std::string& word) {
  return json.find('"' + word + '"') != std::string_view::npos;
}

class Talker {
 public:
  Talker(belfry::plugin::Host host, std::string_view config)
      : host_(host),
        said_(host.FindJson("talk.said", 1)),
        answered_(host.FindJson("talk.answered", 1)) {
    if (Has(config, "refuse")) throw belfry::plugin::Error(BELFRY_UNAVAILABLE, "no voice");
    if (Has(config, "deaf")) return;
    host.Listen("answer", said_, [this](std::string_view said) { Answer(said); });
    if (Has(config, "speak")) SayLater(R"({"greet": true})");
    if (Has(config, "hang")) SayLater(R"({"hang": true})");
    if (Has(config, "fail")) SayLater(R"({"fail": true})");
    if (Has(config, "crash")) SayLater(R"({"crash": true})");
  }
  ~Talker() { host_.Log(BELFRY_LOG_INFO, "ends"); }

 private:
  // When it has started, so that it hears that itself.
  void SayLater(std::string_view text) {
    belfry::plugin::After(host_, "say", std::chrono::seconds(0),
                          [this, text] { said_.Publish(text); });
  }
  void Answer(std::string_view said) {
    host_.Log(BELFRY_LOG_WARNING, "heard " + std::string(said));
    if (Has(said, "fail")) throw belfry::plugin::Error(BELFRY_INTERNAL, "no answer");
    while (Has(said, "hang")) ::pause();
    if (Has(said, "crash")) std::abort();
    if (Has(said, "thread")) std::thread([] { ::pause(); }).detach();
    if (Has(said, "again")) return said_.Publish(said);
    answered_.Publish(R"({"answer": 42})");
  }

  const belfry::plugin::Host host_;
  const belfry::plugin::JsonType said_;
  const belfry::plugin::JsonType answered_;
};

}  // namespace

BELFRY_PLUGIN_CLASS(Talker,
                    BELFRY_ID("talker") BELFRY_PLUGIN_VERSION("2.1") BELFRY_LISTENS("talk.said", 1)
                        BELFRY_PUBLISHES("talk.said", 1) BELFRY_PUBLISHES("talk.answered", 1)
                            BELFRY_ALLOWS_KEY("does", "text"));
