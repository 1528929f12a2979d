// Events that cross as C++ objects, where host and plugin were compiled alike.
#include "belfry/plugin_object.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "belfry/cxx_abi.h"
#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/foreign_event.h"
#include "plugin/plugin_border.h"
#include "plugin/scripted_plugin.h"
#include "plugin/shop.h"

namespace belfry {
namespace {

using shop::Greeted;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PluginObjectTest : public PluginBorder {
 protected:
  plugin::Host Border() {
    EXPECT_TRUE(StartNothing().ok());
    return plugin::Host(*border_);
  }
};
INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, PluginObjectTest, ::testing::Bool(), ModeName);

TEST_P(PluginObjectTest, ItIsTheObjectItself) {
  const plugin::Host host = Border();
  const auto greeted = host.Find(plugin::Object<Greeted>("shop.greeted", 2));
  const Greeted* published = nullptr;
  const Subscription in_tree = dispatcher_.Subscribe(
      [&](const Greeted& event) { published = &event; }, {.run = belfry::Run::kInline});
  const Greeted* heard = nullptr;
  std::vector<std::string> whom;
  host.Listen("guests", greeted, [&](const Greeted& event) {
    heard = &event;
    whom.push_back(event.whom);
  });
  dispatcher_.Publish(Greeted{"ada, whose name needs memory of its own", {}});
  dispatcher_.Drain();
  EXPECT_EQ(heard, published);
  greeted.Publish(Greeted{"bob", {}});
  dispatcher_.Drain();
  EXPECT_THAT(whom, ElementsAre("ada, whose name needs memory of its own", "bob"));
}

TEST_P(PluginObjectTest, WhatWasCompiledOtherwiseIsRefusedAndEveryDifferenceNamed) {
  Border();
  belfry_event_description described = plugin::Object<Greeted>("shop.greeted", 3).description();
  described.object_abi = belfry_text_of("compiler 1.0");
  described.event_size += 8;
  const belfry_event_type* type = nullptr;
  Room room;
  EXPECT_EQ(border_->find_event(border_->context, &described, &type, room.error()),
            BELFRY_FAILED_PRECONDITION);
  EXPECT_THAT(room.text(), AllOf(HasSubstr("schema version 3, the host's 2"),
                                 HasSubstr("size " + std::to_string(sizeof(Greeted) + 8)),
                                 HasSubstr("C++ ABI \"compiler 1.0\", the host's \"compiler ")));
}

TEST_P(PluginObjectTest, AnEventOfOtherPluginsIsNoObject) {
  host_.Expose(Foreign("foreign", 1));
  const plugin::Host host = Border();
  try {
    host.Find(plugin::Object<Greeted>("foreign", 1));
    ADD_FAILURE() << "it was found";
  } catch (const plugin::Error& error) {
    EXPECT_EQ(error.code(), BELFRY_FAILED_PRECONDITION);
    EXPECT_THAT(error.what(), HasSubstr("the host does not give it as a C++ object"));
  }
}

TEST_P(PluginObjectTest, WhatWasFoundAsAnotherFormIsNotPublishedAsAnObject) {
  const plugin::Host host = Border();
  const plugin::JsonType json = host.FindJson("shop.greeted", 2);
  const Greeted event;
  Room room;
  EXPECT_EQ(border_->publish(border_->context, json.get(), BELFRY_OBJECT, &event, sizeof(event),
                             room.error()),
            BELFRY_FAILED_PRECONDITION);
  EXPECT_THAT(room.text(), HasSubstr("without a C++ ABI"));
  const auto object = host.Find(plugin::Object<Greeted>("shop.greeted", 2));
  EXPECT_EQ(border_->publish(border_->context, object.get(), BELFRY_OBJECT, &event,
                             sizeof(event) - 1, room.error()),
            BELFRY_INVALID_ARGUMENT);
  EXPECT_EQ(border_->publish(border_->context, object.get(), BELFRY_VIEW, &event, sizeof(event),
                             room.error()),
            BELFRY_FAILED_PRECONDITION);
}

// One that was built before there was this member.
TEST_P(PluginObjectTest, AShorterDescriptionIsOneWithoutAnObject) {
  Border();
  belfry_event_description described = plugin::Object<Greeted>("shop.greeted", 2).description();
  described.size = offsetof(belfry_event_description, object_abi);
  const belfry_event_type* type = nullptr;
  ASSERT_EQ(border_->find_event(border_->context, &described, &type, nullptr), BELFRY_OK);
  const Greeted event;
  EXPECT_EQ(border_->publish(border_->context, type, BELFRY_OBJECT, &event, sizeof(event), nullptr),
            BELFRY_FAILED_PRECONDITION);
}

TEST(CxxAbiTest, SaysWhatMatters) {
  const std::string abi = kCxxAbi;
  EXPECT_THAT(abi, HasSubstr(__VERSION__));
  EXPECT_THAT(abi, HasSubstr("lib"));
  EXPECT_THAT(abi, HasSubstr("belfry "));
}

}  // namespace
}  // namespace belfry
