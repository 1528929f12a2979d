// One version of a plugin in the place of another, while events come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/plugin_host.h"
#include "plugin/plugin_border.h"
#include "plugin/scripted_plugin.h"
#include "plugin/shop.h"
#include "scale.h"
#include "temporary_folder.h"
#include "waiting.h"

namespace belfry {
namespace {

using shop::OrderPlaced;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The next version of the scripted plugin.
Script next_script;
belfry_plugin NextPlugin() {
  belfry_plugin plugin = ScriptedPlugin();
  plugin.start = [](const belfry_host* host, belfry_text, belfry_instance**, belfry_error* error) {
    return next_script.start(*host, error);
  };
  plugin.stop = [](belfry_instance*) {
    if (next_script.stop) next_script.stop();
  };
  return plugin;
}

class PluginSwapTest : public PluginBorder {
 protected:
  ~PluginSwapTest() override {
    EXPECT_TRUE(host_.StopAll().ok());
    next_script = {};
  }

  absl::Status SwapFor(ScriptedListener& listener, const char* event = "shop.order_placed") {
    next_script.start = [&listener, event](const belfry_host& host, belfry_error* error) {
      return listener.Subscribe(host, event, error);
    };
    return Swap();
  }
  absl::Status Swap() { return host_.Swap("scripted", next_, kConfig).status(); }
  std::vector<std::string> Names() const {
    return dispatcher_.ListenerNames(EventTypeOf<OrderPlaced>());
  }

  const belfry_plugin next_ = NextPlugin();
};
INSTANTIATE_TEST_SUITE_P(SynchronousAndPool, PluginSwapTest, ::testing::Bool(), ModeName);

TEST_P(PluginSwapTest, TheNextVersionHearsWhatTheFormerOneDid) {
  int former = 0;
  int next = 0;
  ScriptedListener& first = MakeListener();
  first.on_event = [&](const belfry_event&, belfry_error*) { return ++former, BELFRY_OK; };
  ScriptedListener& second = MakeListener();
  second.on_event = [&](const belfry_event&, belfry_error*) { return ++next, BELFRY_OK; };
  ASSERT_TRUE(Start(first).ok());
  Place();
  dispatcher_.Drain();
  bool stopped = false;
  script.stop = [&] { stopped = true; };
  ASSERT_TRUE(SwapFor(second).ok());
  EXPECT_TRUE(stopped);
  EXPECT_EQ(first.released, 1);
  EXPECT_EQ(second.released, 0);
  Place();
  dispatcher_.Drain();
  EXPECT_EQ(former, 1);
  EXPECT_EQ(next, 1);
  EXPECT_THAT(Names(), ElementsAre("scripted.listener"));
  ASSERT_EQ(host_.plugins().size(), 1u);
  EXPECT_EQ(host_.plugins()[0].state, PluginState::kRunning);
  EXPECT_EQ(host_.plugins()[0].delivered, 1u);
}

TEST_P(PluginSwapTest, WhatOneOfThemAloneListensToBeginsAndEnds) {
  ScriptedListener& first = MakeListener();
  first.name = "old";
  ScriptedListener& second = MakeListener();
  second.name = "new";
  ASSERT_TRUE(Start(first).ok());
  ASSERT_TRUE(SwapFor(second).ok());
  EXPECT_THAT(Names(), ElementsAre("scripted.new"));
  EXPECT_EQ(first.released, 1);
}

TEST_P(PluginSwapTest, ANextVersionThatCannotStartChangesNothing) {
  int former = 0;
  ScriptedListener& first = MakeListener();
  first.on_event = [&](const belfry_event&, belfry_error*) { return ++former, BELFRY_OK; };
  ScriptedListener& second = MakeListener();
  ASSERT_TRUE(Start(first).ok());
  next_script.start = [&](const belfry_host& host, belfry_error* error) {
    EXPECT_EQ(second.Subscribe(host, "shop.order_placed", error), BELFRY_OK);
    return belfry_fail(error, BELFRY_UNAVAILABLE, belfry_text_of("no oven"));
  };
  const absl::Status refused = Swap();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Text(refused), HasSubstr("no oven"));
  EXPECT_EQ(second.released, 1);
  Place();
  dispatcher_.Drain();
  EXPECT_EQ(former, 1);
}

TEST_P(PluginSwapTest, OnlyWhatRunsIsSwapped) {
  EXPECT_EQ(Swap().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(host_.Swap("other", next_, kConfig).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(StartNothing().ok());
  EXPECT_EQ(host_.Swap("scripted", next_, "{}").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(host_.Swap("scripted", MODULE_HELLO_C, kConfig).status().code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(host_.Disable("scripted").ok());
  EXPECT_EQ(Swap().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(PluginSwapTest, InsideOfAListenerItIsRefused) {
  absl::Status refused;
  ASSERT_TRUE(StartNothing().ok());
  const Subscription inside = dispatcher_.Subscribe([&](const OrderPlaced&) { refused = Swap(); });
  Place();
  dispatcher_.Drain();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Text(refused), HasSubstr("inside of a listener"));
}

TEST_P(PluginSwapTest, AListenerOfTheNextVersionMayEndItselfAtOnce) {
  ScriptedListener& first = MakeListener();
  ScriptedListener& second = MakeListener();
  ASSERT_TRUE(Start(first).ok());
  next_script.start = [&](const belfry_host& host, belfry_error* error) {
    EXPECT_EQ(second.Subscribe(host, "shop.order_placed", error), BELFRY_OK);
    return host.unsubscribe(host.context, second.id, error);
  };
  ASSERT_TRUE(Swap().ok());
  EXPECT_EQ(second.released, 1);
  EXPECT_THAT(Names(), IsEmpty());
}

// Versions come one after the other under fire.
void SwapUnderFire(std::uint32_t run) {
  constexpr int kPublishers = 2;
  const belfry_plugin plugins[] = {ScriptedPlugin(), NextPlugin()};
  Dispatcher dispatcher({.pool = {.threads = 4}});
  PluginHost host(dispatcher);
  shop::ExposeAll(host);
  const int swaps = static_cast<int>(Scaled(200, 20'000));

  std::vector<std::atomic<std::uint64_t>> handled(static_cast<std::size_t>(swaps) + 1);
  std::vector<ScriptedListener> listeners(handled.size());
  std::atomic<std::uint64_t> sum{0};
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    listeners[i].run = run;
    listeners[i].on_event = [&handled, &sum, i](const belfry_event& event, belfry_error*) {
      handled[i].fetch_add(1);
      sum.fetch_add(std::stoull(JsonOf(event).substr(JsonOf(event).find(':') + 1)));
      return belfry_code{BELFRY_OK};
    };
  }
  const auto subscribes = [&](std::size_t i) {
    return [&, i](const belfry_host& border, belfry_error* error) {
      return listeners[i].Subscribe(border, "shop.order_placed", error);
    };
  };
  script.start = subscribes(0);
  ASSERT_TRUE(host.Add(plugins[0]).ok());
  ASSERT_TRUE(host.Start("scripted", kConfig).ok());

  std::atomic<bool> over{false};
  std::atomic<std::int64_t> published{0};
  std::vector<std::thread> publishers;
  for (int i = 0; i < kPublishers; ++i) {
    publishers.emplace_back([&] {
      while (!over.load()) dispatcher.Publish(OrderPlaced{published.fetch_add(1) + 1, 100});
    });
  }
  for (int i = 1; i <= swaps; ++i) {
    const std::int64_t before = published.load();
    EXPECT_TRUE(Eventually([&] { return published.load() >= before + 10; }));
    const std::size_t next = static_cast<std::size_t>(i);
    (next % 2 == 1 ? next_script : script).start = subscribes(next);
    const absl::StatusOr<PluginUnload> swapped = host.Swap("scripted", plugins[next % 2], kConfig);
    EXPECT_TRUE(swapped.ok()) << swapped.status();
    EXPECT_EQ(listeners[next - 1].released, 1);
  }
  over = true;
  for (std::thread& publisher : publishers) publisher.join();
  dispatcher.Drain();
  ASSERT_TRUE(host.StopAll().ok());
  std::uint64_t all = 0;
  for (const auto& count : handled) all += count.load();
  const auto wanted = static_cast<std::uint64_t>(published.load());
  EXPECT_EQ(all, wanted);
  EXPECT_EQ(sum.load(), wanted * (wanted + 1) / 2);  // each of them, and none twice
  EXPECT_GT(std::count_if(handled.begin(), handled.end(), [](const auto& n) { return n > 0; }),
            swaps / 2);
}

TEST(PluginSwapStressTest, EachQueuedEventIsHandledByExactlyOneVersion) {
  SwapUnderFire(BELFRY_QUEUED);
}
TEST(PluginSwapStressTest, EachInlineEventIsHandledByExactlyOneVersion) {
  SwapUnderFire(BELFRY_INLINE);
}

TEST(PluginSwapFileTest, TheFormerFileIsUnloaded) {
  const TemporaryFolder folder;
  for (const char* const name : {"/a.so", "/b.so"}) {
    std::filesystem::copy_file(MODULE_HELLO_C, folder.path() + name);
  }
  Dispatcher dispatcher({.synchronous = true});
  PluginHost host(dispatcher, {.trust = {.writable_by_others = true}});
  host.Expose(Exposed<shop::OrderPlaced>());
  host.Expose(Exposed<shop::OrderThanked>());
  const std::string id = host.Load(folder / "a.so").value();
  ASSERT_TRUE(host.Start(id).ok());
  const absl::StatusOr<PluginUnload> swapped = host.Swap(id, folder / "b.so");
  ASSERT_TRUE(swapped.ok()) << swapped.status();
  EXPECT_EQ(*swapped, PluginUnload::kUnmapped);
  EXPECT_EQ(host.plugins().at(0).path, folder / "b.so");
  EXPECT_TRUE(host.Load(folder / "a.so").status().code() == absl::StatusCode::kAlreadyExists);
  int thanked = 0;
  const Subscription thanks = dispatcher.Subscribe([&](const shop::OrderThanked&) { ++thanked; });
  dispatcher.Publish(OrderPlaced{1, 100});
  EXPECT_EQ(thanked, 1);
}

}  // namespace
}  // namespace belfry
