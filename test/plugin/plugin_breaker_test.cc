// A plugin that fails, or blocks, is cut off: the host and the others go on.
#include "belfry/plugin_breaker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/library_events.h"
#include "belfry/manual_timers.h"
#include "belfry/plugin_host.h"
#include "plugin/plugin_border.h"
#include "plugin/scripted_plugin.h"
#include "plugin/shop.h"
#include "waiting.h"

namespace belfry {
namespace {

using shop::OrderPlaced;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What the host tells of it.
struct Told {
  explicit Told(Dispatcher& dispatcher)
      : cut_off_(dispatcher.Subscribe(
            [this](const PluginCutOff& event) {
              cut_off.push_back(event.plugin + ": " + event.why);
            },
            {.run = Run::kInline})),
        back_(
            dispatcher.Subscribe([this](const PluginBack& event) { back.push_back(event.plugin); },
                                 {.run = Run::kInline})) {}
  std::vector<std::string> cut_off;
  std::vector<std::string> back;

 private:
  Subscription cut_off_;
  Subscription back_;
};

class PluginFailuresTest : public ::testing::Test {
 protected:
  PluginFailuresTest() {
    shop::ExposeAll(host_);
    EXPECT_TRUE(host_.Add(plugin_).ok());
    listener_.on_event = [this](const belfry_event&, belfry_error* error) {
      ++calls_;
      return fails_ ? belfry_fail(error, BELFRY_UNAVAILABLE, belfry_text_of("no oven"))
                    : belfry_code{BELFRY_OK};
    };
    script.start = [this](const belfry_host& host, belfry_error* error) {
      return listener_.Subscribe(host, "shop.order_placed", error);
    };
    EXPECT_TRUE(host_.Start("scripted", kConfig).ok());
  }
  ~PluginFailuresTest() override {
    EXPECT_TRUE(host_.StopAll().ok());
    script = {};
  }
  void Place(int times = 1) {
    for (int i = 0; i < times; ++i) dispatcher_.Publish(OrderPlaced{1, 100});
  }
  PluginInfo Info() const { return host_.plugins().at(0); }

  const belfry_plugin plugin_ = ScriptedPlugin();
  ScriptedListener listener_;
  int calls_ = 0;
  bool fails_ = true;
  ManualClock clock_;
  Dispatcher dispatcher_{{.synchronous = true, .clock = &clock_}};
  Told told_{dispatcher_};
  PluginHost host_{
      dispatcher_,
      {.breaker = {.failures = 3, .within = seconds(60), .deadline = {}, .pause = seconds(10)}}};
};

TEST_F(PluginFailuresTest, WhoFailsTooOftenIsCutOff) {
  std::string failed;
  const Subscription failures =
      dispatcher_.Subscribe([&](const ListenerFailed& event) { failed = event.what; });
  int others = 0;
  const Subscription other = dispatcher_.Subscribe([&](const OrderPlaced&) { ++others; });
  Place(2);
  EXPECT_THAT(told_.cut_off, IsEmpty());
  EXPECT_EQ(Info().cut_off, "");
  Place(2);
  EXPECT_THAT(told_.cut_off,
              ElementsAre("scripted: 3 of its calls failed within 60 s, the last one: no oven"));
  EXPECT_EQ(calls_, 3);
  EXPECT_THAT(failed, AllOf(HasSubstr("UNAVAILABLE"), HasSubstr("cut off: 3 of its calls")));
  EXPECT_THAT(Info().cut_off, HasSubstr("no oven"));
  EXPECT_EQ(Info().refused, 1u);
  EXPECT_EQ(Info().failed, 3u);
  EXPECT_EQ(others, 4);
}

TEST_F(PluginFailuresTest, AfterThePauseOneCallIsTried) {
  Place(3);
  fails_ = false;
  clock_.Advance(seconds(10) - milliseconds(1));
  Place();
  EXPECT_EQ(calls_, 3);
  clock_.Advance(milliseconds(1));
  Place(2);
  EXPECT_EQ(calls_, 5);
  EXPECT_THAT(told_.back, ElementsAre("scripted"));
  EXPECT_EQ(Info().cut_off, "");
}

TEST_F(PluginFailuresTest, ATrialThatFailsIsFollowedByAnotherPause) {
  Place(3);
  clock_.Advance(seconds(10));
  Place(2);
  EXPECT_EQ(calls_, 4);
  EXPECT_THAT(Info().cut_off, HasSubstr("it failed again: no oven"));
  clock_.Advance(seconds(10));
  fails_ = false;
  Place();
  EXPECT_EQ(calls_, 5);
  EXPECT_EQ(told_.cut_off.size(), 1u);
  EXPECT_EQ(told_.back.size(), 1u);
}

TEST_F(PluginFailuresTest, WhatFailedLongAgoDoesNotCount) {
  Place(2);
  clock_.Advance(seconds(61));
  Place(2);
  EXPECT_THAT(told_.cut_off, IsEmpty());
  Place();
  EXPECT_EQ(told_.cut_off.size(), 1u);
}

TEST_F(PluginFailuresTest, OneCallInSixtyFourIsTimed) {
  fails_ = false;
  listener_.on_event = [this](const belfry_event&, belfry_error*) {
    clock_.Advance(milliseconds(3));
    return belfry_code{BELFRY_OK};
  };
  Place(129);
  EXPECT_EQ(Info().timed, 3u);
  EXPECT_EQ(Info().timed_for, milliseconds(9));
}

// Its listener blocks until the gate is open.
class PluginBlocksTest : public ::testing::Test {
 protected:
  static constexpr seconds kDeadline{4};

  PluginBlocksTest() {
    MakeHost();
    listener_.on_event = [this](const belfry_event&, belfry_error*) {
      if (++calls_ > 1) return belfry_code{BELFRY_OK};
      inside_.Open();
      go_on_.Wait();
      return belfry_code{BELFRY_OK};
    };
    other_.name = "other";
    script.start = [this](const belfry_host& host, belfry_error* error) {
      border_ = &host;
      const belfry_code code = listener_.Subscribe(host, "shop.order_placed", error);
      return code == BELFRY_OK ? other_.Subscribe(host, "shop.greeted", error) : code;
    };
    EXPECT_TRUE(host_->Start("scripted", kConfig).ok());
    dispatcher_.Publish(OrderPlaced{1, 100});
    inside_.Wait();
  }
  ~PluginBlocksTest() override {
    go_on_.Open();
    dispatcher_.Drain();
    host_.reset();
    script = {};
  }
  void MakeHost() {
    host_.emplace(dispatcher_,
                  PluginHostOptions{.breaker = {.deadline = kDeadline, .pause = seconds(10)},
                                    .disable_limit = milliseconds(20)});
    shop::ExposeAll(*host_);
    EXPECT_TRUE(host_->Add(plugin_).ok());
  }
  void Pass(seconds time) {
    for (; time > seconds(0); time -= seconds(1)) timers_.Advance(seconds(1));
  }
  std::string CutOff() const { return host_->plugins().at(0).cut_off; }

  const belfry_plugin plugin_ = ScriptedPlugin();
  const belfry_host* border_ = nullptr;
  ScriptedListener listener_;
  ScriptedListener other_;
  std::atomic<int> calls_{0};
  Gate inside_;
  Gate go_on_;
  ManualTimers timers_;
  Dispatcher dispatcher_{{.pool = {.threads = 2}, .clock = &timers_.clock(), .timers = &timers_}};
  Told told_{dispatcher_};
  std::optional<PluginHost> host_;
};

TEST_F(PluginBlocksTest, WhoBlocksIsCutOffAndTheOthersGoOn) {
  int others = 0;
  const Subscription other =
      dispatcher_.Subscribe([&](const shop::Greeted&) { ++others; }, {.run = Run::kInline});
  Pass(kDeadline / 2);
  EXPECT_THAT(told_.cut_off, IsEmpty());
  Pass(kDeadline);
  EXPECT_THAT(told_.cut_off,
              ElementsAre("scripted: scripted.listener has been running for at least 4 s"));
  std::string failed;
  const Subscription failures = dispatcher_.Subscribe(
      [&](const ListenerFailed& event) { failed = event.what; }, {.run = Run::kInline});
  dispatcher_.Publish(shop::Greeted{});
  EXPECT_TRUE(Eventually([&] { return host_->plugins().at(0).refused == 1; }));
  EXPECT_EQ(others, 1);

  // It is tried again when the call has ended, and the pause is over.
  Pass(seconds(60));
  EXPECT_NE(CutOff(), "");
  go_on_.Open();
  dispatcher_.Drain();
  Pass(kDeadline / 2 + seconds(9));
  EXPECT_NE(CutOff(), "");
  Pass(kDeadline / 2);
  dispatcher_.Publish(OrderPlaced{2, 100});
  dispatcher_.Drain();
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(CutOff(), "");
  EXPECT_THAT(failed, HasSubstr("cut off: scripted.listener has been running"));
}

TEST_F(PluginBlocksTest, DisableWaitsNoLongerThanItsLimit) {
  for (int i = 0; i < 2; ++i) {
    const absl::Status disabled = host_->Disable("scripted");
    EXPECT_EQ(disabled.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(Text(disabled),
                HasSubstr("disabled, but scripted.listener has not ended within 0.02 s"));
  }
  EXPECT_EQ(host_->Stop("scripted").code(), absl::StatusCode::kDeadlineExceeded);
  dispatcher_.Publish(OrderPlaced{2, 100});
  go_on_.Open();
  dispatcher_.Drain();
  EXPECT_EQ(calls_, 1);
  ASSERT_TRUE(host_->Enable("scripted").ok());
  dispatcher_.Publish(OrderPlaced{3, 100});
  dispatcher_.Drain();
  EXPECT_EQ(calls_, 2);
  EXPECT_TRUE(host_->Stop("scripted").ok());
  EXPECT_EQ(listener_.released, 1);
}

TEST_F(PluginBlocksTest, AHostEndsAlthoughOneOfItsPluginsDoesNot) {
  host_.reset();
  EXPECT_EQ(PublishJson(*border_, "shop.greeted", R"({"whom": "ada"})", nullptr),
            BELFRY_FAILED_PRECONDITION);
  border_->log(border_->context, BELFRY_LOG_INFO, belfry_text_of("here I am"));
  EXPECT_EQ(listener_.released, 0);
  go_on_.Open();
  dispatcher_.Publish(OrderPlaced{2, 100});
  dispatcher_.Drain();
  EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace belfry
