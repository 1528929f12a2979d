// A host for plugins that do what a test says.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <list>
#include <string>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/plugin_host.h"
#include "plugin/scripted_plugin.h"
#include "plugin/shop.h"

namespace belfry {

inline constexpr char kConfig[] = R"({"loud": true})";

inline std::string Text(const absl::Status& status) { return std::string(status.message()); }
inline std::string JsonOf(const belfry_event& event) {
  return std::string(static_cast<const char*>(event.data), event.data_size);
}

// Of a test that runs on both.
inline std::string ModeName(const ::testing::TestParamInfo<bool>& synchronous) {
  return synchronous.param ? "Synchronous" : "Pool";
}

// A host with a scripted plugin, on a synchronous dispatcher or on a pool.
class PluginBorder : public ::testing::TestWithParam<bool> {
 protected:
  PluginBorder() {
    shop::ExposeAll(host_);
    EXPECT_TRUE(host_.Add(plugin_).ok());
  }
  ~PluginBorder() override {
    EXPECT_TRUE(host_.StopAll().ok());
    script = {};
  }

  // Starts a plugin with `listener`, for `event`.
  absl::Status Start(ScriptedListener& listener, const char* event = "shop.order_placed") {
    script.start = [&listener, event, this](const belfry_host& host, belfry_error* error) {
      border_ = &host;
      return listener.Subscribe(host, event, error);
    };
    return host_.Start("scripted", kConfig);
  }
  absl::Status StartNothing() {
    script.start = [this](const belfry_host& host, belfry_error*) {
      border_ = &host;
      return belfry_code{BELFRY_OK};
    };
    return host_.Start("scripted", kConfig);
  }
  void Place(std::int64_t order = 1) { dispatcher_.Publish(shop::OrderPlaced{order, 100}); }

  // As long as the plugin, which may be stopped when the test has ended.
  ScriptedListener& MakeListener() { return listeners_.emplace_back(); }

  const belfry_plugin plugin_ = ScriptedPlugin();
  std::list<ScriptedListener> listeners_;
  Dispatcher dispatcher_{GetParam() ? DispatcherOptions{.synchronous = true}
                                    : DispatcherOptions{.pool = {.threads = 2}}};
  PluginHost host_{dispatcher_};
  const belfry_host* border_ = nullptr;
};

}  // namespace belfry
