// In which order plugins are started and stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/plugin_host.h"
#include "plugin/scripted_plugin.h"

namespace belfry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> stopped;

// Plugins that differ in their notes.
class PluginOrderTest : public ::testing::Test {
 protected:
  PluginOrderTest() { stopped.clear(); }

  void Add(const std::string& id, const std::string& lines) {
    std::string& note = notes_.emplace_back(BELFRY_NOTE_TEXT(BELFRY_PLUGIN_VERSION("1")) +
                                            ("id " + id) + "\n" + lines);
    belfry_plugin& plugin = plugins_.emplace_back(ScriptedPlugin());
    plugin.note = {note.data(), note.size()};
    // An instance is any address of the plugin's: here its id.
    plugin.start = [](const belfry_host*, belfry_text config, belfry_instance** instance,
                      belfry_error*) {
      const std::string text(config.data, config.size);
      *instance = reinterpret_cast<belfry_instance*>(new std::string(text));  // NOLINT
      return belfry_code{BELFRY_OK};
    };
    plugin.stop = [](belfry_instance* instance) {
      const auto* const text = reinterpret_cast<std::string*>(instance);  // NOLINT
      stopped.push_back(*text);
      delete text;
    };
    const absl::StatusOr<std::string> added = host_.Add(plugin);
    ASSERT_TRUE(added.ok()) << added.status();
  }

  std::deque<std::string> notes_;
  std::deque<belfry_plugin> plugins_;
  Dispatcher dispatcher_{{.synchronous = true}};
  PluginHost host_{dispatcher_};
};

TEST_F(PluginOrderTest, WhoListensComesBeforeWhoPublishes) {
  Add("source", "publishes raw 1\n");
  Add("filter", "listens raw 1\npublishes clean 1\n");
  Add("apart", "listens other 1\n");
  Add("sink", "listens clean 1\nlistens raw 1\n");
  EXPECT_THAT(host_.StartOrder().value(), ElementsAre("apart", "sink", "filter", "source"));
}

TEST_F(PluginOrderTest, WhoListensToAnythingIsFirst) {
  Add("source", "publishes raw 1\n");
  Add("audit", "listens_to_any\n");
  EXPECT_THAT(host_.StartOrder().value(), ElementsAre("audit", "source"));
}

TEST_F(PluginOrderTest, WhoHearsItselfAwaitsNobody) {
  Add("echo", "publishes raw 1\nlistens raw 1\n");
  EXPECT_THAT(host_.StartOrder().value(), ElementsAre("echo"));
}

TEST_F(PluginOrderTest, ACycleIsNamed) {
  Add("outside", "publishes a 1\n");
  Add("one", "listens a 1\npublishes b 1\n");
  Add("two", "listens b 1\npublishes c 1\n");
  Add("three", "listens c 1\npublishes b 1\npublishes a 1\n");
  const absl::Status cycle = host_.StartOrder().status();
  EXPECT_EQ(cycle.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(cycle.message()),
              HasSubstr("two publishes c for three, which publishes b for two;"));
}

TEST_F(PluginOrderTest, WhatRunsIsNotStartedAgain) {
  Add("source", "publishes raw 1\n");
  Add("sink", "listens raw 1\n");
  ASSERT_TRUE(host_.Start("sink").ok());
  EXPECT_THAT(host_.StartOrder().value(), ElementsAre("source"));
}

TEST_F(PluginOrderTest, TheyAreStoppedInTheReverseOrderOfTheirStarts) {
  for (const char* const id : {"one", "two", "three"}) {
    Add(id, "key " + std::string(id) + " integer optional\n");
  }
  for (const char* const id : {"two", "three", "one"}) {
    ASSERT_TRUE(host_.Start(id, R"({")" + std::string(id) + R"(":1})").ok());
  }
  ASSERT_TRUE(host_.StopAll().ok());
  EXPECT_THAT(stopped, ElementsAre(R"({"one":1})", R"({"three":1})", R"({"two":1})"));
}

}  // namespace
}  // namespace belfry
