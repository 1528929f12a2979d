// Timers of plugins: they come as a listener's calls do, and go with their plugin.
#include "belfry/plugin_timers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/library_events.h"
#include "belfry/manual_timers.h"
#include "belfry/plugin_host.h"
#include "belfry/plugin_timers.hpp"
#include "plugin/plugin_border.h"
#include "plugin/scripted_plugin.h"
#include "waiting.h"

namespace belfry {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// On a synchronous dispatcher, or on a pool.
class PluginTimersTest : public ::testing::TestWithParam<bool> {
 protected:
  PluginTimersTest() {
    EXPECT_TRUE(host_.Add(plugin_).ok());
    script.start = [this](const belfry_host& host, belfry_error*) {
      border_ = &host;
      return belfry_code{BELFRY_OK};
    };
    EXPECT_TRUE(host_.Start("scripted", kConfig).ok());
  }
  ~PluginTimersTest() override {
    EXPECT_TRUE(host_.StopAll().ok());
    script = {};
  }

  plugin::Host Border() const { return plugin::Host(*border_); }
  void Pass(seconds time) {
    for (; time > seconds(0); time -= seconds(1)) {
      timers_.Advance(seconds(1));
      dispatcher_.Drain();
    }
  }
  // Counts its calls; its end is seen by the end of what it holds.
  auto Counting(std::shared_ptr<int> held = nullptr) {
    return [this, held] { ++calls_; };
  }

  const belfry_plugin plugin_ = ScriptedPlugin();
  std::atomic<int> calls_{0};
  ManualTimers timers_;
  Dispatcher dispatcher_{{.pool = {.threads = 2},
                          .synchronous = GetParam(),
                          .clock = &timers_.clock(),
                          .timers = &timers_}};
  PluginHost host_{dispatcher_};
  const belfry_host* border_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, PluginTimersTest, ::testing::Bool(), ModeName);

TEST_P(PluginTimersTest, OneWithoutAPeriodIsCalledOnceAndIsGone) {
  const auto held = std::make_shared<int>();
  const std::uint64_t timer = plugin::After(Border(), "reminder", seconds(3), Counting(held));
  Pass(seconds(2));
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(held.use_count(), 2);
  Pass(seconds(1));
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(held.use_count(), 1);
  Pass(seconds(10));
  EXPECT_EQ(calls_, 1);
  EXPECT_THROW(Border().Unsubscribe(timer), plugin::Error);
  EXPECT_EQ(host_.plugins().at(0).delivered, 1u);
  plugin::After(Border(), "reminder", seconds(1), Counting());  // its name is free again
}

TEST_P(PluginTimersTest, OneWithAPeriodIsCalledUntilItIsEnded) {
  const auto held = std::make_shared<int>();
  const std::uint64_t beat = plugin::Every(Border(), "beat", seconds(2), Counting(held));
  Pass(seconds(7));
  EXPECT_EQ(calls_, 3);
  Border().Unsubscribe(beat);
  EXPECT_EQ(held.use_count(), 1);
  Pass(seconds(7));
  EXPECT_EQ(calls_, 3);
}

TEST_P(PluginTimersTest, OneMayEndItselfInItsCall) {
  std::uint64_t beat = 0;
  beat = plugin::Every(Border(), "beat", seconds(1), [&] {
    ++calls_;
    Border().Unsubscribe(beat);
  });
  Pass(seconds(5));
  EXPECT_EQ(calls_, 1);
}

TEST_P(PluginTimersTest, WithoutADelayItIsATaskOnThePool) {
  plugin::After(Border(), "task", seconds(0), Counting());
  timers_.Advance(Nanoseconds::zero());
  dispatcher_.Drain();
  EXPECT_EQ(calls_, 1);
}

TEST_P(PluginTimersTest, ItsFailureIsToldAndTheNextCallComes) {
  std::atomic<int> failures{0};
  const Subscription failed = dispatcher_.Subscribe(
      [&](const ListenerFailed& event) {
        ++failures;
        EXPECT_EQ(event.listener, "scripted.beat");
        EXPECT_THAT(event.what, HasSubstr("no oven"));
      },
      {.run = Run::kInline});
  plugin::Every(Border(), "beat", seconds(1), [this] {
    ++calls_;
    throw std::runtime_error("no oven");
  });
  Pass(seconds(3));
  EXPECT_EQ(calls_, 3);
  EXPECT_EQ(failures, 3);
  EXPECT_EQ(host_.plugins().at(0).failed, 3u);
}

TEST_P(PluginTimersTest, ThoseOfADisabledPluginStandStillAndBeginAnew) {
  plugin::Every(Border(), "beat", seconds(2), Counting());
  Pass(seconds(1));
  ASSERT_TRUE(host_.Disable("scripted").ok());
  Pass(seconds(10));
  EXPECT_EQ(calls_, 0);
  ASSERT_TRUE(host_.Enable("scripted").ok());
  Pass(seconds(1));
  EXPECT_EQ(calls_, 0);
  Pass(seconds(1));
  EXPECT_EQ(calls_, 1);
}

TEST_P(PluginTimersTest, ThoseOfAStoppedPluginAreGone) {
  const auto held = std::make_shared<int>();
  plugin::Every(Border(), "beat", seconds(1), Counting(held));
  ASSERT_TRUE(host_.Stop("scripted").ok());
  EXPECT_EQ(held.use_count(), 1);
  Pass(seconds(5));
  EXPECT_EQ(calls_, 0);
  EXPECT_FALSE(timers_.next().has_value());
  EXPECT_EQ(dispatcher_.GetStats().scheduled, 0u);
}

TEST_P(PluginTimersTest, EachIsCalledForItself) {
  std::atomic<int> others{0};
  plugin::Every(Border(), "one", seconds(1), Counting());
  plugin::Every(Border(), "two", seconds(2), [&] { ++others; });
  Pass(seconds(4));
  EXPECT_EQ(calls_, 4);
  EXPECT_EQ(others, 2);
}

TEST_P(PluginTimersTest, WhatCannotBeAsked) {
  const auto start = [this](const belfry_timer* timer) {
    const void* const found = border_->extension(border_->context, belfry_text_of(BELFRY_TIMERS));
    Room room;
    const belfry_code code = static_cast<const belfry_timers*>(found)->start(
        border_->context, timer, nullptr, room.error());
    return std::to_string(code) + " " + room.text();
  };
  EXPECT_EQ(start(nullptr), "3 no timer");
  belfry_timer timer{};
  timer.size = 8;
  EXPECT_THAT(start(&timer), HasSubstr("a timer of 8 bytes; it has at least"));
  timer.size = sizeof(timer);
  EXPECT_THAT(start(&timer), HasSubstr("a timer's name has 1 to 200 bytes, not 0"));
  timer.name = belfry_text_of("beat");
  EXPECT_THAT(start(&timer), HasSubstr("timer beat: it has no on_time"));
  plugin::After(Border(), "reminder", seconds(1), [] {});
  try {
    plugin::After(Border(), "reminder", seconds(1), [] {});
    ADD_FAILURE() << "a name twice";
  } catch (const plugin::Error& error) {
    EXPECT_EQ(error.code(), BELFRY_ALREADY_EXISTS);
  }
  ASSERT_TRUE(host_.Stop("scripted").ok());
  EXPECT_THROW(plugin::After(Border(), "late", seconds(1), [] {}), plugin::Error);
}

TEST(PluginTimersWithoutTimersTest, AreRefused) {
  const belfry_plugin plugin = ScriptedPlugin();
  Dispatcher dispatcher({.synchronous = true});
  PluginHost host(dispatcher);
  belfry_code code = BELFRY_OK;
  script.start = [&](const belfry_host& border, belfry_error*) {
    try {
      plugin::After(plugin::Host(border), "late", seconds(1), [] {});
    } catch (const plugin::Error& error) {
      code = error.code();
    }
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(host.Add(plugin).ok());
  ASSERT_TRUE(host.Start("scripted", kConfig).ok());
  EXPECT_EQ(code, BELFRY_UNAVAILABLE);
  script = {};
}

// Timers come, go and are due while their plugin is disabled and enabled.
TEST(PluginTimersStressTest, NoneIsCalledWhileItsPluginIsDisabled) {
  const belfry_plugin plugin = ScriptedPlugin();
  Dispatcher dispatcher({.pool = {.threads = 3}});
  PluginHost host(dispatcher);
  const belfry_host* border = nullptr;
  script.start = [&](const belfry_host& given, belfry_error*) {
    border = &given;
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(host.Add(plugin).ok());
  ASSERT_TRUE(host.Start("scripted", kConfig).ok());
  std::atomic<bool> disabled{false};
  std::atomic<int> calls{0};
  std::atomic<int> late{0};
  const auto call = [&] {
    ++calls;
    if (disabled) ++late;
  };
  for (int i = 0; i < 4; ++i) {
    plugin::Every(plugin::Host(*border), "beat " + std::to_string(i), std::chrono::microseconds(50),
                  call);
  }
  for (int round = 0; round < 100; ++round) {
    const int before = calls;
    EXPECT_TRUE(Eventually([&] { return calls > before; }));
    plugin::After(plugin::Host(*border), "once " + std::to_string(round), seconds(0), call);
    EXPECT_TRUE(host.Disable("scripted").ok());
    disabled = true;
    std::this_thread::yield();
    disabled = false;
    EXPECT_TRUE(host.Enable("scripted").ok());
  }
  EXPECT_TRUE(host.StopAll().ok());
  EXPECT_EQ(late, 0);
  script = {};
}

}  // namespace
}  // namespace belfry
