// Events whose types only plugins know, passed on by a host as JSON.
#include "belfry/foreign_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/plugin_host.h"
#include "plugin/plugin_border.h"
#include "plugin/scripted_plugin.h"

namespace belfry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSenderNote[] = BELFRY_NOTE_TEXT(BELFRY_ID("sender") BELFRY_PLUGIN_VERSION(
    "1") BELFRY_PUBLISHES("parcel.sent", 3) BELFRY_PUBLISHES("parcel.lost", 1));
constexpr char kReceiverNote[] = BELFRY_NOTE_TEXT(BELFRY_ID("receiver") BELFRY_PLUGIN_VERSION(
    "1") BELFRY_LISTENS("parcel.sent", 3) BELFRY_LISTENS("parcel.lost", 1));

belfry_plugin PluginOf(const char* note) {
  belfry_plugin plugin = ScriptedPlugin();
  plugin.note = belfry_text_of(note);
  return plugin;
}

// A host that knows nothing but names, with a plugin that publishes and one that listens to
// parcel.sent, on a synchronous dispatcher or on a pool.
class ForeignEventTest : public ::testing::TestWithParam<bool> {
 protected:
  ForeignEventTest() {
    host_.Expose(Foreign("parcel.sent", 3));
    host_.Expose(Foreign("parcel.lost", 1));
    EXPECT_TRUE(host_.Add(sender_plugin_).ok());
    EXPECT_TRUE(host_.Add(receiver_plugin_).ok());
    script.start = [this](const belfry_host& host, belfry_error*) {
      sender_ = &host;
      return belfry_code{BELFRY_OK};
    };
    EXPECT_TRUE(host_.Start("sender").ok());
  }
  ~ForeignEventTest() override {
    EXPECT_TRUE(host_.StopAll().ok());
    script = {};
  }

  void StartReceiver(std::uint32_t run = BELFRY_QUEUED) {
    listener_.run = run;
    listener_.on_event = [this](const belfry_event& event, belfry_error*) {
      EXPECT_EQ(event.form, std::uint32_t{BELFRY_JSON});
      EXPECT_EQ(event.schema_version, 3u);
      EXPECT_EQ(std::string_view(event.name.data, event.name.size), "parcel.sent");
      received_.push_back(JsonOf(event));
      return belfry_code{BELFRY_OK};
    };
    script.start = [this](const belfry_host& host, belfry_error* error) {
      return listener_.Subscribe(host, "parcel.sent", error);
    };
    ASSERT_TRUE(host_.Start("receiver").ok());
  }

  const belfry_plugin sender_plugin_ = PluginOf(kSenderNote);
  const belfry_plugin receiver_plugin_ = PluginOf(kReceiverNote);
  const belfry_plugin next_receiver_plugin_ = PluginOf(kReceiverNote);
  ScriptedListener listener_;
  std::vector<std::string> received_;
  Dispatcher dispatcher_{GetParam() ? DispatcherOptions{.synchronous = true}
                                    : DispatcherOptions{.pool = {.threads = 2}}};
  PluginHost host_{dispatcher_};
  const belfry_host* sender_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, ForeignEventTest, ::testing::Bool(), ModeName);

TEST_P(ForeignEventTest, OnePluginReceivesWhatAnotherOnePublishesUnderThatName) {
  StartReceiver();
  EXPECT_EQ(PublishJson(*sender_, "parcel.sent", R"({ "to": "ada" })", nullptr), BELFRY_OK);
  EXPECT_EQ(PublishJson(*sender_, "parcel.lost", R"({"to": "bob"})", nullptr), BELFRY_OK);
  EXPECT_EQ(PublishJson(*sender_, "parcel.sent", R"({"to": "eve"})", nullptr), BELFRY_OK);
  dispatcher_.Drain();
  EXPECT_THAT(received_, ElementsAre(R"({ "to": "ada" })", R"({"to": "eve"})"));
}

TEST_P(ForeignEventTest, AnInlineListenerHasReceivedItWhenThePublishReturns) {
  StartReceiver(BELFRY_INLINE);
  EXPECT_EQ(PublishJson(*sender_, "parcel.sent", R"({"to": "ada"})", nullptr), BELFRY_OK);
  EXPECT_THAT(received_, ElementsAre(R"({"to": "ada"})"));
}

TEST_P(ForeignEventTest, WhatIsNoJsonObjectIsRefused) {
  StartReceiver();
  Room broken;
  EXPECT_EQ(PublishJson(*sender_, "parcel.sent", R"({"to": )", broken.error()),
            BELFRY_INVALID_ARGUMENT);
  EXPECT_THAT(broken.text(), HasSubstr("parcel.sent: no JSON"));
  Room array;
  EXPECT_EQ(PublishJson(*sender_, "parcel.sent", "[1]", array.error()), BELFRY_INVALID_ARGUMENT);
  EXPECT_THAT(array.text(), HasSubstr("parcel.sent: is of kind array, wanted is an object"));
  dispatcher_.Drain();
  EXPECT_THAT(received_, IsEmpty());
  EXPECT_EQ(host_.plugins().at(0).published, 0u);
}

TEST_P(ForeignEventTest, TheApplicationListensToItAndPublishesIt) {
  StartReceiver();
  std::vector<std::string> seen;
  const Subscription listening = dispatcher_.Subscribe([&](const ForeignEvent& event) {
    seen.push_back(event.name + " " + std::to_string(event.schema_version) + " " + event.json);
  });
  EXPECT_EQ(PublishJson(*sender_, "parcel.lost", R"({"to": "bob"})", nullptr), BELFRY_OK);
  EXPECT_TRUE(dispatcher_.Publish(ForeignEvent{"parcel.sent", 3, R"({"to": "ada"})"}).ok());
  dispatcher_.Drain();
  EXPECT_THAT(seen,
              ElementsAre(R"(parcel.lost 1 {"to": "bob"})", R"(parcel.sent 3 {"to": "ada"})"));
  EXPECT_THAT(received_, ElementsAre(R"({"to": "ada"})"));
}

TEST_P(ForeignEventTest, WhoTakesAnothersPlaceReceivesTheEventsOfThatName) {
  StartReceiver();
  ASSERT_TRUE(host_.Swap("receiver", next_receiver_plugin_).ok());
  EXPECT_EQ(PublishJson(*sender_, "parcel.lost", R"({"to": "bob"})", nullptr), BELFRY_OK);
  EXPECT_EQ(PublishJson(*sender_, "parcel.sent", R"({"to": "eve"})", nullptr), BELFRY_OK);
  dispatcher_.Drain();
  EXPECT_THAT(received_, ElementsAre(R"({"to": "eve"})"));
}

TEST_P(ForeignEventTest, WhatWasNotExposedIsUnknown) {
  Room room;
  EXPECT_EQ(PublishJson(*sender_, "parcel.found", "{}", room.error()), BELFRY_NOT_FOUND);
  EXPECT_THAT(room.text(), HasSubstr("parcel.found; it knows: parcel.lost, parcel.sent"));
}

TEST_P(ForeignEventTest, ItIsNotGivenAsItLiesInMemory) {
  const belfry_field field{belfry_text_of("to"), 0, BELFRY_I64, 1};
  belfry_event_description described = DescribeJson("parcel.sent", 3);
  described.fields = &field;
  described.fields_size = 1;
  described.event_size = described.event_alignment = 8;
  const belfry_event_type* type = nullptr;
  Room room;
  EXPECT_EQ(sender_->find_event(sender_->context, &described, &type, room.error()),
            BELFRY_FAILED_PRECONDITION);
  EXPECT_THAT(room.text(), AllOf(HasSubstr("parcel.sent"), HasSubstr("as JSON only")));
}

TEST(ForeignEventDeathTest, ANameOrAVersionThatIsNoneIsABug) {
  Dispatcher dispatcher({.synchronous = true});
  PluginHost host(dispatcher);
  host.Expose(Foreign("parcel.sent", 3));
  EXPECT_DEATH(host.Expose(Foreign("", 1)), "without a declared name");
  EXPECT_DEATH(host.Expose(Foreign("parcel.found", 0)), "without a declared name");
  EXPECT_DEATH(host.Expose(Foreign("parcel.sent", 3)), "exposed twice");
}

}  // namespace
}  // namespace belfry
