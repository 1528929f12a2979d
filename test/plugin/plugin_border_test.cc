// Plugins that do not keep to what was agreed: each time the host and the others go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/library_events.h"
#include "belfry/plugin_host.h"
#include "plugin/scripted_plugin.h"
#include "plugin/shop.h"
#include "waiting.h"

namespace belfry {
namespace {

using shop::Greeted;
using shop::OrderPlaced;
using shop::OrderThanked;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kConfig[] = R"({"loud": true})";

std::string Text(const absl::Status& status) { return std::string(status.message()); }
std::string JsonOf(const belfry_event& event) {
  return std::string(static_cast<const char*>(event.data), event.data_size);
}

class PluginBorderTest : public ::testing::TestWithParam<bool> {
 protected:
  PluginBorderTest() {
    host_.Expose(Exposed<OrderPlaced>());
    host_.Expose(Exposed<OrderThanked>());
    host_.Expose(Exposed<Greeted>());
    EXPECT_TRUE(host_.Add(plugin_).ok());
  }
  ~PluginBorderTest() override {
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
  void Place(std::int64_t order = 1) { dispatcher_.Publish(OrderPlaced{order, 100}); }

  // As long as the plugin, which may be stopped when the test has ended.
  ScriptedListener& MakeListener() { return listeners_.emplace_back(); }

  const belfry_plugin plugin_ = ScriptedPlugin();
  std::list<ScriptedListener> listeners_;
  Dispatcher dispatcher_{GetParam() ? DispatcherOptions{.synchronous = true}
                                    : DispatcherOptions{.pool = {.threads = 2}}};
  PluginHost host_{dispatcher_};
  const belfry_host* border_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, PluginBorderTest, ::testing::Bool(),
                         [](const auto& mode) {
                           return std::string(mode.param ? "Synchronous" : "Pool");
                         });

TEST_P(PluginBorderTest, WhatItThrowsIsItsListenersFailureAndTheOthersGoOn) {
  ScriptedListener& listener = MakeListener();
  listener.on_event = [](const belfry_event&, belfry_error*) -> belfry_code {
    throw std::runtime_error("the oven is cold");
  };
  ASSERT_TRUE(Start(listener).ok());
  int others = 0;
  std::string failed;
  const Subscription other = dispatcher_.Subscribe([&](const OrderPlaced&) { ++others; });
  const Subscription failures =
      dispatcher_.Subscribe([&](const ListenerFailed& event) { failed = event.what; });
  Place();
  dispatcher_.Drain();
  EXPECT_THAT(failed, HasSubstr("it threw: the oven is cold"));
  EXPECT_EQ(others, 1);
  EXPECT_EQ(host_.plugins().at(0).failed, 1u);
}

TEST_P(PluginBorderTest, AStartThatFailsLeavesNothing) {
  ScriptedListener& listener = MakeListener();
  script.start = [&](const belfry_host& host, belfry_error* error) {
    EXPECT_EQ(listener.Subscribe(host, "shop.order_placed", error), BELFRY_OK);
    return belfry_fail(error, BELFRY_UNAVAILABLE, belfry_text_of("no oven"));
  };
  const absl::Status refused = host_.Start("scripted", kConfig);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Text(refused), HasSubstr("scripted cannot start: no oven"));
  EXPECT_EQ(listener.released, 1);
  EXPECT_THAT(dispatcher_.ListenerNames(EventTypeOf<OrderPlaced>()), IsEmpty());

  script.start = [&](const belfry_host&, belfry_error*) -> belfry_code {
    throw std::logic_error("no kitchen");
  };
  EXPECT_THAT(Text(host_.Start("scripted", kConfig)), HasSubstr("it threw: no kitchen"));
  EXPECT_TRUE(StartNothing().ok());
}

TEST_P(PluginBorderTest, TheConfigurationIsWhatTheNoteDeclares) {
  EXPECT_THAT(Text(host_.Start("scripted", R"({"lout": 1})")),
              AllOf(HasSubstr("key loud (boolean) is missing"), HasSubstr("lout is unknown")));
  EXPECT_THAT(Text(host_.Start("scripted", R"({"loud": "yes"})")),
              HasSubstr("key loud is of kind string, wanted is boolean"));
}

TEST_P(PluginBorderTest, WhoUnsubscribesInItsOwnCallIsNotCalledAgain) {
  ScriptedListener& listener = MakeListener();
  int calls = 0;
  listener.on_event = [&](const belfry_event&, belfry_error* error) {
    ++calls;
    EXPECT_EQ(border_->unsubscribe(border_->context, listener.id, error), BELFRY_OK);
    EXPECT_EQ(border_->unsubscribe(border_->context, listener.id, error), BELFRY_NOT_FOUND);
    EXPECT_EQ(listener.released, 0);
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(Start(listener).ok());
  Place();
  Place();
  dispatcher_.Drain();
  EXPECT_TRUE(host_.Stop("scripted").ok());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(listener.released, 1);
}

TEST_P(PluginBorderTest, WhatItPublishesIsRefusedUnlessItIsStarted) {
  ASSERT_TRUE(StartNothing().ok());
  const auto publish = [&] {
    return PublishJson(*border_, "shop.order_thanked", R"({"order": 1, "thanks": 1})", nullptr);
  };
  EXPECT_EQ(publish(), BELFRY_OK);
  ASSERT_TRUE(host_.Disable("scripted").ok());
  EXPECT_EQ(publish(), BELFRY_FAILED_PRECONDITION);
  ASSERT_TRUE(host_.Enable("scripted").ok());
  EXPECT_EQ(publish(), BELFRY_OK);
  script.stop = [&] { EXPECT_EQ(publish(), BELFRY_OK); };
  ASSERT_TRUE(host_.Stop("scripted").ok());
  EXPECT_EQ(publish(), BELFRY_FAILED_PRECONDITION);
  ScriptedListener& listener = MakeListener();
  EXPECT_EQ(listener.Subscribe(*border_, "shop.order_placed", nullptr), BELFRY_FAILED_PRECONDITION);
  EXPECT_EQ(listener.released, 0);
  EXPECT_EQ(host_.plugins().at(0).published, 3u);
}

TEST_P(PluginBorderTest, WhatItsNoteDoesNotSayIsRefused) {
  ASSERT_TRUE(StartNothing().ok());
  Room room;
  EXPECT_EQ(PublishJson(*border_, "shop.order_placed", "{}", room.error()),
            BELFRY_PERMISSION_DENIED);
  EXPECT_THAT(room.text(), HasSubstr("BELFRY_PUBLISHES"));
  ScriptedListener& listener = MakeListener();
  EXPECT_EQ(listener.Subscribe(*border_, "shop.order_thanked", room.error()),
            BELFRY_PERMISSION_DENIED);
  EXPECT_THAT(room.text(), HasSubstr("BELFRY_LISTENS"));
}

TEST_P(PluginBorderTest, EventsCrossAsJsonAndSchemasMayGrow) {
  ScriptedListener& listener = MakeListener();
  std::vector<std::string> seen;
  listener.on_event = [&](const belfry_event& event, belfry_error*) {
    EXPECT_EQ(event.form, std::uint32_t{BELFRY_JSON});
    EXPECT_EQ(event.schema_version, 2u);  // the host's, whatever the plugin knows
    EXPECT_EQ(std::string_view(event.name.data, event.name.size), "shop.greeted");
    seen.push_back(JsonOf(event));
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(Start(listener, "shop.greeted").ok());
  dispatcher_.Publish(Greeted{"ada", "warmly"});
  dispatcher_.Drain();
  EXPECT_EQ(PublishJson(*border_, "shop.greeted", R"({"whom": "bob", "when": 12})", nullptr),
            BELFRY_OK);
  dispatcher_.Drain();
  EXPECT_THAT(seen, ElementsAre(R"({"whom":"ada","how":"warmly"})", R"({"whom":"bob"})"));
  Room room;
  EXPECT_EQ(PublishJson(*border_, "shop.greeted", R"({"whom": 3})", room.error()),
            BELFRY_INVALID_ARGUMENT);
  EXPECT_THAT(room.text(), HasSubstr("/whom: is of kind int64"));
}

TEST_P(PluginBorderTest, EveryDifferenceOfLayoutsIsNamedWithBothValues) {
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

TEST_P(PluginBorderTest, SizesThatLieAreRefused) {
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

TEST_P(PluginBorderTest, AViewOfAnotherSizeIsNotPublished) {
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

TEST_P(PluginBorderTest, AnErrorsSizeThatLiesIsCut) {
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

TEST_P(PluginBorderTest, AThreadOfItsOwnMayCallWhatItLikes) {
  ASSERT_TRUE(StartNothing().ok());
  std::atomic<int> calls{0};
  std::thread foreign([&] {
    for (int round = 0; round < 100; ++round) {
      ScriptedListener listener;
      listener.on_event = [&](const belfry_event&, belfry_error*) {
        ++calls;
        return belfry_code{BELFRY_OK};
      };
      ASSERT_EQ(listener.Subscribe(*border_, "shop.greeted", nullptr), BELFRY_OK);
      ASSERT_EQ(PublishJson(*border_, "shop.greeted", R"({"whom": "ada"})", nullptr), BELFRY_OK);
      ASSERT_EQ(border_->unsubscribe(border_->context, listener.id, nullptr), BELFRY_OK);
      ASSERT_EQ(listener.released, 1);
    }
  });
  foreign.join();
  dispatcher_.Drain();
  EXPECT_LE(calls, 100);
  EXPECT_EQ(host_.plugins().at(0).delivered, static_cast<std::uint64_t>(calls));
}

TEST_P(PluginBorderTest, WhoIsDisabledInsideItsOwnListenerIsStoppedFromOutside) {
  ScriptedListener& listener = MakeListener();
  int calls = 0;
  listener.on_event = [&](const belfry_event&, belfry_error*) {
    ++calls;
    EXPECT_EQ(host_.Stop("scripted").code(), absl::StatusCode::kAborted);
    EXPECT_EQ(listener.released, 0);
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(Start(listener).ok());
  Place();
  Place();
  dispatcher_.Drain();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(host_.plugins().at(0).state, PluginState::kDisabled);
  EXPECT_TRUE(host_.Stop("scripted").ok());
  EXPECT_EQ(listener.released, 1);
}

TEST_P(PluginBorderTest, AStopWaitsForOneThatHasUnsubscribedItselfAndStillRuns) {
  if (GetParam()) GTEST_SKIP() << "nothing runs beside the publish";
  ScriptedListener& listener = MakeListener();
  Gate inside;
  Gate go_on;
  std::atomic<bool> ended{false};
  listener.on_event = [&](const belfry_event&, belfry_error* error) {
    EXPECT_EQ(border_->unsubscribe(border_->context, listener.id, error), BELFRY_OK);
    inside.Open();
    go_on.Wait();
    ended = true;
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(Start(listener).ok());
  Place();
  inside.Wait();
  bool ended_before_stop = false;
  script.stop = [&] { ended_before_stop = ended && listener.released == 1; };
  std::thread stopping([&] { EXPECT_TRUE(host_.Stop("scripted").ok()); });
  go_on.Open();
  stopping.join();
  EXPECT_TRUE(ended_before_stop);
}

TEST_P(PluginBorderTest, ListenersAreReleasedOnceAndBeforeTheStop) {
  ScriptedListener& listener = MakeListener();
  ASSERT_TRUE(Start(listener).ok());
  EXPECT_THAT(dispatcher_.ListenerNames(EventTypeOf<OrderPlaced>()),
              ElementsAre("scripted.listener"));
  ScriptedListener& twin = MakeListener();
  EXPECT_EQ(twin.Subscribe(*border_, "shop.order_placed", nullptr), BELFRY_ALREADY_EXISTS);
  EXPECT_EQ(twin.released, 0);
  ASSERT_TRUE(host_.Disable("scripted").ok());
  EXPECT_EQ(listener.released, 0);
  script.stop = [&] { EXPECT_EQ(listener.released, 1); };
  EXPECT_TRUE(host_.Stop("scripted").ok());
  EXPECT_EQ(listener.released, 1);
}

TEST_P(PluginBorderTest, InlineListenersRunInsideThePublish) {
  ScriptedListener& listener = MakeListener();
  listener.run = BELFRY_INLINE;
  int calls = 0;
  listener.on_event = [&](const belfry_event&, belfry_error*) {
    ++calls;
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(Start(listener).ok());
  Place();
  EXPECT_EQ(calls, 1);
}

TEST_P(PluginBorderTest, AfterDisableNothingRunsHoweverMuchIsPublished) {
  ScriptedListener& listener = MakeListener();
  std::atomic<bool> disabled{false};
  std::atomic<int> late{0};
  listener.on_event = [&](const belfry_event&, belfry_error*) {
    if (disabled) ++late;
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(Start(listener).ok());
  std::atomic<bool> enough{false};
  std::vector<std::thread> publishers;
  for (int i = 0; i < 2; ++i) {
    publishers.emplace_back([&] {
      while (!enough) {
        Place();
        std::this_thread::yield();
      }
    });
  }
  for (int round = 0; round < 50; ++round) {
    EXPECT_TRUE(host_.Disable("scripted").ok());
    disabled = true;
    std::this_thread::yield();
    disabled = false;
    EXPECT_TRUE(host_.Enable("scripted").ok());
  }
  enough = true;
  for (std::thread& publisher : publishers) publisher.join();
  EXPECT_EQ(late, 0);
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
