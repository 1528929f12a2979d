// A plugin whose listener adds up what it gets, and writes the sum into the log at its end. How it
// listens is in its configuration: {"form": "view" or "json", "run": "queued" or "inline"}.
#include <cstdint>
#include <string>
#include <string_view>

#include "belfry/plugin.hpp"
#include "bench/plugin_tick.h"

namespace {

using bench::kTickName;
using bench::Tick;

class Adder {
 public:
  Adder(belfry::plugin::Host host, std::string_view config) : host_(host) {
    using belfry::plugin::Run;
    const auto has = [&](const char* word) { return config.find(word) != std::string_view::npos; };
    const Run run = has("inline") ? Run::kInline : Run::kQueued;
    if (has("json")) {
      // Nobody reads it: what it costs is that it is written and crosses.
      host.Listen(
          "add", host.FindJson(kTickName, 1),
          [this](std::string_view json) { sum_ += json.front() == '{' ? 1 : 0; }, run);
    } else {
      const auto tick = host.Find(belfry::plugin::View<Tick>(kTickName, 1)
                                      .Field("sequence", &Tick::sequence)
                                      .Field("amount", &Tick::amount)
                                      .Field("account", &Tick::account)
                                      .Field("reference", &Tick::reference));
      host.Listen(
          "add", tick, [sum = &sum_](const Tick& event) { *sum += event.amount; }, run);
    }
  }
  ~Adder() { host_.Log(BELFRY_LOG_INFO, std::to_string(sum_)); }
  Adder(const Adder&) = delete;
  Adder& operator=(const Adder&) = delete;

 private:
  const belfry::plugin::Host host_;
  std::uint64_t sum_ = 0;
};

}  // namespace

BELFRY_PLUGIN_CLASS(Adder,
                    BELFRY_ID("adder") BELFRY_PLUGIN_VERSION("1") BELFRY_LISTENS("bench.tick", 1)
                        BELFRY_REQUIRES_KEY("form", "text") BELFRY_REQUIRES_KEY("run", "text"));
