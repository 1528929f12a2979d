// The border as it was in version 1.0. A change that breaks this breaks every plugin there is: what
// is new goes behind the last member.
#include <gtest/gtest.h>

#include <cstddef>

#include "belfry/plugin.h"
#include "belfry/plugin_events.h"
#include "belfry/plugin_timers.h"

namespace {

#define MEMBER_AT(type, member, at) static_assert(offsetof(type, member) == (at), #member " moved")

static_assert(sizeof(void*) != 8 || sizeof(belfry_text) == 16);
static_assert(sizeof(void*) != 8 || sizeof(belfry_field) == 32);

#if __SIZEOF_POINTER__ == 8
MEMBER_AT(belfry_field, offset, 16);
MEMBER_AT(belfry_field, kind, 24);
MEMBER_AT(belfry_field, count, 28);
MEMBER_AT(belfry_error, text, 8);
MEMBER_AT(belfry_error, text_max, 16);
MEMBER_AT(belfry_error, text_size, 24);
MEMBER_AT(belfry_event_description, name, 8);
MEMBER_AT(belfry_event_description, schema_version, 24);
MEMBER_AT(belfry_event_description, fields_size, 28);
MEMBER_AT(belfry_event_description, fields, 32);
MEMBER_AT(belfry_event_description, event_size, 40);
MEMBER_AT(belfry_event_description, event_alignment, 48);
MEMBER_AT(belfry_event_description, object_abi, 56);
MEMBER_AT(belfry_event, name, 8);
MEMBER_AT(belfry_event, schema_version, 24);
MEMBER_AT(belfry_event, form, 28);
MEMBER_AT(belfry_event, data, 32);
MEMBER_AT(belfry_event, data_size, 40);
MEMBER_AT(belfry_listener, name, 8);
MEMBER_AT(belfry_listener, type, 24);
MEMBER_AT(belfry_listener, forms, 32);
MEMBER_AT(belfry_listener, run, 36);
MEMBER_AT(belfry_listener, user, 40);
MEMBER_AT(belfry_listener, on_event, 48);
MEMBER_AT(belfry_listener, released, 56);
MEMBER_AT(belfry_host, abi_major, 8);
MEMBER_AT(belfry_host, abi_minor, 12);
MEMBER_AT(belfry_host, context, 16);
MEMBER_AT(belfry_host, find_event, 24);
MEMBER_AT(belfry_host, publish, 32);
MEMBER_AT(belfry_host, subscribe, 40);
MEMBER_AT(belfry_host, unsubscribe, 48);
MEMBER_AT(belfry_host, log, 56);
MEMBER_AT(belfry_host, extension, 64);
MEMBER_AT(belfry_plugin, abi_major, 8);
MEMBER_AT(belfry_plugin, abi_minor, 12);
MEMBER_AT(belfry_plugin, note, 16);
MEMBER_AT(belfry_plugin, start, 32);
MEMBER_AT(belfry_plugin, stop, 40);
MEMBER_AT(belfry_plugin, extension, 48);
MEMBER_AT(belfry_events, list, 8);
MEMBER_AT(belfry_timer, name, 8);
MEMBER_AT(belfry_timer, delay_ns, 24);
MEMBER_AT(belfry_timer, period_ns, 32);
MEMBER_AT(belfry_timer, user, 40);
MEMBER_AT(belfry_timer, on_time, 48);
MEMBER_AT(belfry_timer, released, 56);
MEMBER_AT(belfry_timers, start, 8);
#endif

TEST(AbiTest, AMemberIsThereIfItsWriterKnewIt) {
  belfry_plugin plugin{};
  plugin.size = offsetof(belfry_plugin, stop);
  EXPECT_TRUE(BELFRY_HAS(belfry_plugin, &plugin, start));
  EXPECT_FALSE(BELFRY_HAS(belfry_plugin, &plugin, stop));
  plugin.size = offsetof(belfry_plugin, stop) + sizeof(plugin.stop);
  EXPECT_TRUE(BELFRY_HAS(belfry_plugin, &plugin, stop));
}

TEST(AbiTest, AFailuresTextIsCutWhereTheRoomEnds) {
  char room[4] = {'.', '.', '.', '.'};
  belfry_error error{sizeof(belfry_error), room, 3, 0};
  EXPECT_EQ(belfry_fail(&error, BELFRY_INTERNAL, belfry_text_of("broken")), BELFRY_INTERNAL);
  EXPECT_EQ(std::string(room, 4), "bro.");
  EXPECT_EQ(error.text_size, 3u);
  EXPECT_EQ(belfry_fail(nullptr, BELFRY_ABORTED, belfry_text_of("nobody asks")), BELFRY_ABORTED);
}

}  // namespace
