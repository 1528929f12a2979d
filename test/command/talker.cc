// A plugin that does what its configuration and what it hears say.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "belfry/plugin.hpp"

namespace {

// Somebody has loaded it.
[[maybe_unused]] const int loaded = std::fputs("talker was loaded\n", stderr);

bool HasKey(std::string_view json, const std::string& key) {
  return json.find('"' + key + '"') != std::string_view::npos;
}

class Talker {
 public:
  Talker(belfry::plugin::Host host, std::string_view config)
      : host_(host),
        said_(host.FindJson("talk.said", 1)),
        answered_(host.FindJson("talk.answered", 1)) {
    if (HasKey(config, "refuse")) throw belfry::plugin::Error(BELFRY_UNAVAILABLE, "no voice");
    if (HasKey(config, "deaf")) return;
    host.Listen("answer", said_, [this](std::string_view said) { Answer(said); });
    if (HasKey(config, "speak")) said_.Publish(R"({"greet": true})");
    if (HasKey(config, "hang")) said_.Publish(R"({"hang": true})");
    if (HasKey(config, "fail")) said_.Publish(R"({"fail": true})");
    if (HasKey(config, "crash")) said_.Publish(R"({"crash": true})");
  }
  ~Talker() { host_.Log(BELFRY_LOG_INFO, "ends"); }

 private:
  void Answer(std::string_view said) {
    host_.Log(BELFRY_LOG_WARNING, "heard " + std::string(said));
    if (HasKey(said, "fail")) throw belfry::plugin::Error(BELFRY_INTERNAL, "no answer");
    while (HasKey(said, "hang")) ::pause();
    if (HasKey(said, "crash")) std::abort();
    if (HasKey(said, "again")) return said_.Publish(said);
    answered_.Publish(R"({"answer": 42})");
  }

  const belfry::plugin::Host host_;
  const belfry::plugin::JsonType said_;
  const belfry::plugin::JsonType answered_;
};

}  // namespace

#define TALKER_NOTE                                                         \
  BELFRY_ID("talker")                                                       \
  BELFRY_VERSION("2.1")                                                     \
  BELFRY_LISTENS("talk.said", 1)                                            \
  BELFRY_PUBLISHES("talk.said", 1)                                          \
  BELFRY_PUBLISHES("talk.answered", 1)                                      \
  BELFRY_ALLOWS_KEY("speak", "boolean")                                     \
  BELFRY_ALLOWS_KEY("deaf", "boolean")                                      \
  BELFRY_ALLOWS_KEY("hang", "boolean") BELFRY_ALLOWS_KEY("fail", "boolean") \
      BELFRY_ALLOWS_KEY("crash", "boolean") BELFRY_ALLOWS_KEY("refuse", "boolean")
BELFRY_PLUGIN_CLASS(Talker, TALKER_NOTE);
