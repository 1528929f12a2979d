// Plugins that do not keep to what was agreed: each time the host and the others go on.
#include "plugin/plugin_border.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
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

class PluginBorderTest : public PluginBorder {};
INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, PluginBorderTest, ::testing::Bool(), ModeName);

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

// Else one whose start throws would be called with what it has destroyed.
TEST_P(PluginBorderTest, NothingIsCalledBeforeItsStartHasSucceeded) {
  ScriptedListener& listener = MakeListener();
  int calls = 0;
  listener.on_event = [&](const belfry_event&, belfry_error*) { return ++calls, BELFRY_OK; };
  const auto subscribe_and_hear = [&](const belfry_host& host, belfry_error* error) {
    EXPECT_EQ(listener.Subscribe(host, "shop.order_placed", error), BELFRY_OK);
    Place();
    dispatcher_.Drain();
    EXPECT_EQ(calls, 0);
  };
  script.start = [&](const belfry_host& host, belfry_error* error) {
    subscribe_and_hear(host, error);
    return belfry_fail(error, BELFRY_UNAVAILABLE, belfry_text_of("no oven"));
  };
  EXPECT_FALSE(host_.Start("scripted", kConfig).ok());
  EXPECT_EQ(listener.released, 1);
  script.start = [&](const belfry_host& host, belfry_error* error) {
    subscribe_and_hear(host, error);
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(host_.Start("scripted", kConfig).ok());
  Place();
  dispatcher_.Drain();
  EXPECT_EQ(calls, 1);
}

TEST_P(PluginBorderTest, WhoseListenerIsRefusedIsStoppedAgain) {
  dispatcher_.Shutdown(ShutdownMode::kDrain, kPatience);
  bool stopped = false;
  script.stop = [&] { stopped = true; };
  ScriptedListener& listener = MakeListener();
  EXPECT_EQ(Start(listener).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(listener.released, 1);
  EXPECT_EQ(host_.plugins().at(0).state, PluginState::kLoaded);
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

TEST_P(PluginBorderTest, WhoIsInTheMiddleOfAnEventMayEndItWhileItsPluginIsDisabled) {
  if (GetParam()) GTEST_SKIP() << "nothing runs beside the publish";
  ScriptedListener& listener = MakeListener();
  ScriptedListener& late = MakeListener();
  late.name = "late";
  Gate inside;
  belfry_code published = BELFRY_UNKNOWN;
  listener.on_event = [&](const belfry_event&, belfry_error* error) {
    inside.Open();
    // Nobody subscribes any more when the end has begun.
    while (late.Subscribe(*border_, "shop.order_placed", nullptr) == BELFRY_OK) {
      border_->unsubscribe(border_->context, late.id, nullptr);
    }
    published = PublishJson(*border_, "shop.greeted", R"({"whom": "ada"})", error);
    return published;
  };
  ASSERT_TRUE(Start(listener).ok());
  Place();
  inside.Wait();
  EXPECT_TRUE(host_.Disable("scripted").ok());
  EXPECT_EQ(published, BELFRY_OK);
  EXPECT_EQ(PublishJson(*border_, "shop.greeted", R"({"whom": "ada"})", nullptr),
            BELFRY_FAILED_PRECONDITION);
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

TEST(PluginOptionsTest, WhateverTheHostAsksForAListenerIsCalledOneEventAtATime) {
  script = {};
  static const belfry_plugin scripted = ScriptedPlugin();  // longer than the host
  ScriptedListener listener;
  std::atomic<bool> inside{false};
  std::atomic<int> overlaps{0};
  listener.on_event = [&](const belfry_event&, belfry_error*) {
    if (inside.exchange(true)) ++overlaps;
    std::this_thread::yield();
    inside = false;
    return belfry_code{BELFRY_OK};
  };
  std::string asked;
  Dispatcher dispatcher({.pool = {.threads = 4}});
  PluginHost host(dispatcher, {.listener_options = [&](std::string_view name) {
                    asked = name;
                    return ListenerOptions{.name = "another", .concurrency = 4};
                  }});
  host.Expose(Exposed<OrderPlaced>());
  ASSERT_TRUE(host.Add(scripted).ok());
  script.start = [&](const belfry_host& border, belfry_error* error) {
    return listener.Subscribe(border, "shop.order_placed", error);
  };
  ASSERT_TRUE(host.Start("scripted", kConfig).ok());
  EXPECT_EQ(asked, "scripted.listener");
  EXPECT_THAT(dispatcher.ListenerNames(EventTypeOf<OrderPlaced>()),
              ElementsAre("scripted.listener"));
  for (int i = 0; i < 500; ++i) dispatcher.Publish(OrderPlaced{i, 1});
  dispatcher.Drain();
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(host.plugins().at(0).delivered, 500u);
  EXPECT_TRUE(host.StopAll().ok());
  script = {};
}

}  // namespace
}  // namespace belfry
