// Plugins that ask which events there are, and listen to whatever it is.
#include "belfry/plugin_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/plugin.hpp"
#include "plugin/plugin_border.h"

namespace belfry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string StringOf(belfry_text text) { return {text.data, text.size}; }

class PluginEventsTest : public PluginBorder {
 protected:
  const belfry_events& Events() const {
    return *static_cast<const belfry_events*>(
        border_->extension(border_->context, belfry_text_of(BELFRY_EVENTS)));
  }
};
INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, PluginEventsTest, ::testing::Bool(), ModeName);

TEST_P(PluginEventsTest, EachEventIsListedAsTheHostSeesIt) {
  ASSERT_TRUE(StartNothing().ok());
  ASSERT_TRUE(BELFRY_HAS(belfry_events, &Events(), list));
  std::vector<std::string> seen;
  const auto visit = [](void* user, const belfry_event_description* described) -> belfry_code {
    std::string line = StringOf(described->name) + " " + std::to_string(described->schema_version);
    for (std::uint32_t i = 0; i < described->fields_size; ++i) {
      line += " " + StringOf(described->fields[i].name);
    }
    line += " " + std::to_string(described->event_size);
    static_cast<std::vector<std::string>*>(user)->push_back(line);
    return BELFRY_OK;
  };
  EXPECT_EQ(Events().list(border_->context, visit, &seen, nullptr), BELFRY_OK);
  EXPECT_THAT(seen, ElementsAre("shop.greeted 2 0", "shop.order_placed 1 order cents 16",
                                "shop.order_thanked 1 order thanks 16"));
}

TEST_P(PluginEventsTest, WhatIsListedIsTheDescriptionForAView) {
  ASSERT_TRUE(StartNothing().ok());
  const auto visit = [](void* user, const belfry_event_description* described) {
    const auto& border = *static_cast<const belfry_host*>(user);
    const belfry_event_type* type = nullptr;
    return border.find_event(border.context, described, &type, nullptr);
  };
  EXPECT_EQ(Events().list(border_->context, visit, const_cast<belfry_host*>(border_), nullptr),
            BELFRY_OK);
}

TEST_P(PluginEventsTest, AVisitorThatFailsOrThrowsEndsTheList) {
  ASSERT_TRUE(StartNothing().ok());
  Room room;
  int visits = 0;
  const auto fails = [](void* user, const belfry_event_description*) {
    ++*static_cast<int*>(user);
    return belfry_code{BELFRY_ABORTED};
  };
  EXPECT_EQ(Events().list(border_->context, fails, &visits, room.error()), BELFRY_ABORTED);
  EXPECT_EQ(visits, 1);
  const auto throws = [](void* user, const belfry_event_description*) -> belfry_code {
    ++*static_cast<int*>(user);
    throw std::runtime_error("too many");
  };
  EXPECT_EQ(Events().list(border_->context, throws, &visits, room.error()), BELFRY_UNAVAILABLE);
  EXPECT_THAT(room.text(), HasSubstr("too many"));
  EXPECT_EQ(visits, 2);
  EXPECT_EQ(Events().list(border_->context, nullptr, nullptr, nullptr), BELFRY_INVALID_ARGUMENT);
}

TEST_P(PluginEventsTest, InCppTheyAreAVector) {
  ASSERT_TRUE(StartNothing().ok());
  std::vector<std::string> names;
  for (const plugin::KnownEvent& event : plugin::Host(*border_).KnownEvents()) {
    names.push_back(std::string(event.name) + " " + std::to_string(event.schema_version));
  }
  EXPECT_THAT(names, ElementsAre("shop.greeted 2", "shop.order_placed 1", "shop.order_thanked 1"));
  // A host of an older kind.
  belfry_host older = *border_;
  older.extension = [](belfry_context*, belfry_text) -> const void* { return nullptr; };
  EXPECT_THROW(plugin::Host(older).KnownEvents(), plugin::Error);
}

TEST_P(PluginEventsTest, OfAKeyThatNobodyKnowsThereIsNoExtension) {
  ASSERT_TRUE(StartNothing().ok());
  EXPECT_EQ(border_->extension(border_->context, belfry_text_of("belfry.weather.v1")), nullptr);
  EXPECT_EQ(border_->extension(border_->context, belfry_text{nullptr, 0}), nullptr);
}

TEST_P(PluginEventsTest, WhoSaysThatItListensToAnyMayListenToAnyAndPublishesWhatItNames) {
  static constexpr char kNote[] = BELFRY_NOTE_TEXT(BELFRY_ID("curious") BELFRY_PLUGIN_VERSION(
      "1") BELFRY_LISTENS_TO_ANY BELFRY_PUBLISHES("shop.greeted", 2));
  static belfry_plugin curious = ScriptedPlugin();  // longer than the host
  curious.note = belfry_text_of(kNote);
  ASSERT_TRUE(host_.Add(curious).ok());
  ScriptedListener& listener = MakeListener();
  script.start = [&](const belfry_host& host, belfry_error* error) {
    border_ = &host;
    return listener.Subscribe(host, "shop.order_thanked", error);
  };
  ASSERT_TRUE(host_.Start("curious").ok());
  dispatcher_.Publish(shop::OrderThanked{1, 1});
  dispatcher_.Drain();
  EXPECT_EQ(host_.plugins().at(1).delivered, 1u);
  EXPECT_EQ(PublishJson(*border_, "shop.greeted", R"({"whom": "ada"})", nullptr), BELFRY_OK);
  EXPECT_EQ(PublishJson(*border_, "shop.order_placed", R"({"order": 1, "cents": 1})", nullptr),
            BELFRY_PERMISSION_DENIED);
}

TEST(PluginNoteTest, ThatItListensToAnyIsSaidOnceAndAlone) {
  const auto note = ReadPluginNote("abi 1 0\nid x\nversion 1\nlistens_to_any\n");
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_TRUE(note->listens_to_any);
  EXPECT_FALSE(ReadPluginNote("abi 1 0\nid x\nversion 1\n")->listens_to_any);
  EXPECT_THAT(Text(ReadPluginNote("abi 1 0\nid x\nversion 1\nlistens_to_any a.b\nlistens_to_any\n"
                                  "listens_to_any\n")
                       .status()),
              AllOf(HasSubstr("line 4 cannot be read"), HasSubstr("line 6 cannot be read")));
}

}  // namespace
}  // namespace belfry
