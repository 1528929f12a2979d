// Plugins that say what is not so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/library_events.h"
#include "belfry/plugin_host.h"
#include "plugin/plugin_border.h"
#include "plugin/scripted_plugin.h"
#include "plugin/shop.h"

namespace belfry {
namespace {

using shop::OrderThanked;
using ::testing::AllOf;
using ::testing::HasSubstr;

class PluginLiesTest : public PluginBorder {};
INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, PluginLiesTest, ::testing::Bool(), ModeName);

TEST_P(PluginLiesTest, EveryDifferenceOfLayoutsIsNamedWithBothValues) {
  ASSERT_TRUE(StartNothing().ok());
  const belfry_field fields[] = {{belfry_text_of("order"), 8, BELFRY_I64, 1},
                                 {belfry_text_of("cents"), 8, BELFRY_F64, 1},
                                 {belfry_text_of("tip"), 0, BELFRY_U8, 3}};
  belfry_event_description described = DescribeJson("shop.order_placed", 2);
  described.fields = fields;
  described.fields_size = 3;
  described.event_size = 24;
  described.event_alignment = 4;
  const belfry_event_type* type = nullptr;
  Room room;
  EXPECT_EQ(border_->find_event(border_->context, &described, &type, room.error()),
            BELFRY_FAILED_PRECONDITION);
  EXPECT_THAT(room.text(),
              AllOf(HasSubstr("schema version 2, the host's 1"),
                    HasSubstr("size 24, the host's 16"), HasSubstr("alignment 4, the host's 8"),
                    HasSubstr("field order is i64 at 8, the host's i64 at 0"),
                    HasSubstr("field cents is f64 at 8, the host's i64 at 8"),
                    HasSubstr("field tip is u8[3] at 0, the host's not there")));
  described.name = belfry_text_of("shop.greeted");
  EXPECT_EQ(border_->find_event(border_->context, &described, &type, room.error()),
            BELFRY_FAILED_PRECONDITION);
  EXPECT_THAT(room.text(), HasSubstr("as JSON only"));
}

TEST_P(PluginLiesTest, SizesThatLieAreRefused) {
  ASSERT_TRUE(StartNothing().ok());
  belfry_event_description described = DescribeJson("shop.order_placed");
  const belfry_event_type* type = nullptr;
  described.size = 24;
  Room room;
  EXPECT_EQ(border_->find_event(border_->context, &described, &type, room.error()),
            BELFRY_INVALID_ARGUMENT);
  EXPECT_THAT(room.text(), HasSubstr("set its size to sizeof"));
  described.size = sizeof(described);
  described.fields_size = 4'000'000'000;
  EXPECT_EQ(border_->find_event(border_->context, &described, &type, nullptr),
            BELFRY_INVALID_ARGUMENT);
  described.fields_size = 0;
  ASSERT_EQ(border_->find_event(border_->context, &described, &type, nullptr), BELFRY_OK);

  ScriptedListener& scripted = MakeListener();
  belfry_listener listener = scripted.Listener(type);
  listener.size = sizeof(listener) - 1;
  EXPECT_EQ(border_->subscribe(border_->context, &listener, nullptr, room.error()),
            BELFRY_INVALID_ARGUMENT);
  listener = scripted.Listener(type);
  listener.name.size = ~std::size_t{0};
  EXPECT_EQ(border_->subscribe(border_->context, &listener, nullptr, room.error()),
            BELFRY_INVALID_ARGUMENT);
  listener = scripted.Listener(type);
  listener.run = 7;
  EXPECT_EQ(border_->subscribe(border_->context, &listener, nullptr, room.error()),
            BELFRY_INVALID_ARGUMENT);
  listener = scripted.Listener(type);
  listener.forms = BELFRY_VIEW;  // of what was described without fields
  EXPECT_EQ(border_->subscribe(border_->context, &listener, nullptr, room.error()),
            BELFRY_FAILED_PRECONDITION);
  EXPECT_EQ(scripted.released, 0);
}

TEST_P(PluginLiesTest, AViewOfAnotherSizeIsNotPublished) {
  ASSERT_TRUE(StartNothing().ok());
  const belfry_field fields[] = {{belfry_text_of("order"), 0, BELFRY_I64, 1},
                                 {belfry_text_of("thanks"), 8, BELFRY_U32, 1}};
  belfry_event_description described = DescribeJson("shop.order_thanked");
  described.fields = fields;
  described.fields_size = 2;
  described.event_size = sizeof(OrderThanked);
  described.event_alignment = alignof(OrderThanked);
  const belfry_event_type* type = nullptr;
  ASSERT_EQ(border_->find_event(border_->context, &described, &type, nullptr), BELFRY_OK);
  const OrderThanked thanked{7, 3};
  const auto publish = [&](std::uint32_t form, std::size_t size) {
    return border_->publish(border_->context, type, form, &thanked, size, nullptr);
  };
  EXPECT_EQ(publish(BELFRY_VIEW, sizeof(thanked) - 1), BELFRY_INVALID_ARGUMENT);
  EXPECT_EQ(publish(3, sizeof(thanked)), BELFRY_INVALID_ARGUMENT);
  EXPECT_EQ(publish(BELFRY_VIEW, sizeof(thanked)), BELFRY_OK);
}

TEST_P(PluginLiesTest, AnErrorsSizeThatLiesIsCut) {
  ScriptedListener& listener = MakeListener();
  listener.on_event = [](const belfry_event&, belfry_error* error) {
    error->text_size = ~std::size_t{0};
    return belfry_code{9999};
  };
  ASSERT_TRUE(Start(listener).ok());
  std::string failed;
  const Subscription failures =
      dispatcher_.Subscribe([&](const ListenerFailed& event) { failed = event.what; });
  Place();
  dispatcher_.Drain();
  EXPECT_THAT(failed, HasSubstr("UNKNOWN"));
  EXPECT_LT(failed.size(), 600u);
}

TEST(PluginSymbolTest, WhatAPluginIsMustBeWhole) {
  Dispatcher dispatcher({.synchronous = true});
  PluginHost host(dispatcher);
  belfry_plugin plugin = ScriptedPlugin();
  plugin.size = 16;
  EXPECT_THAT(Text(host.Add(plugin).status()), HasSubstr("it has 16 bytes"));
  plugin = ScriptedPlugin();
  plugin.abi_minor = 9;
  plugin.start = nullptr;
  EXPECT_THAT(Text(host.Add(plugin).status()),
              AllOf(HasSubstr("version 1.9, the note says 1.0"), HasSubstr("it has no start")));
  plugin = ScriptedPlugin();
  plugin.note = belfry_text_of("abi 1 0\n");
  EXPECT_EQ(host.Add(plugin).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace belfry
