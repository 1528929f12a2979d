// A module that comes and goes under fire, and leaves nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/library_events.h"
#include "belfry/plugin_host.h"
#include "plugin/shop.h"
#include "scale.h"
#include "waiting.h"

namespace belfry {
namespace {

struct Left {
  std::size_t descriptors;
  std::size_t threads;   // all of them, a plugin's as well
  std::size_t mappings;  // of files: those of memory come and go with the heap
};

Left Count() {
  Left left{CountDescriptors(), CountThreads(""), 0};
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    left.mappings += line.find('/') != std::string::npos;
  }
  return left;
}

// Four threads that publish all the time.
class Fire {
 public:
  explicit Fire(Dispatcher& dispatcher) {
    for (int i = 0; i < 4; ++i) {
      threads_.emplace_back([this, &dispatcher] {
        while (!ceased_) {
          dispatcher.Publish(shop::OrderPlaced{1, 1});
          std::this_thread::yield();
        }
      });
    }
  }
  ~Fire() {
    ceased_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> ceased_{false};
  std::vector<std::thread> threads_;
};

void RunCycles(int cycles, const std::string& module) {
  Dispatcher dispatcher({.pool = {.threads = 2}});
  PluginHost host(dispatcher, {.trust = {.writable_by_others = true}});
  host.Expose(Exposed<shop::OrderPlaced>());
  host.Expose(Exposed<shop::OrderThanked>());
  std::atomic<std::uint64_t> thanked{0};
  const Subscription heard = dispatcher.Subscribe([&](const shop::OrderThanked&) { ++thanked; });
  std::atomic<int> refused{0};
  std::string why;
  const Subscription failures = dispatcher.Subscribe([&](const ListenerFailed& event) {
    // That a queue is full is no wonder under fire.
    if (event.what.find("queue") != std::string::npos) return;
    why = event.what;
    ++refused;
  });
  const Fire fire(dispatcher);
  std::uint64_t delivered = 0;
  Left before{};
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const absl::StatusOr<std::string> id = host.Load(module);
    ASSERT_TRUE(id.ok()) << id.status();
    ASSERT_TRUE(host.Start(*id).ok());
    // One that was called in each cycle, or it would not be under fire.
    while (host.plugins().at(0).delivered == 0) std::this_thread::yield();
    ASSERT_TRUE(host.Disable(*id).ok());
    ASSERT_TRUE(host.Stop(*id).ok());
    delivered += host.plugins().at(0).delivered;
    const absl::StatusOr<PluginUnload> unloaded = host.Unload(*id);
    ASSERT_TRUE(unloaded.ok()) << unloaded.status();
    ASSERT_EQ(*unloaded, PluginUnload::kUnmapped);
    // The first cycles bring what stays: names of types, threads' first use.
    if (cycle == 10) before = Count();
  }
  const Left after = Count();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
  EXPECT_EQ(after.mappings, before.mappings);
  EXPECT_GE(delivered, static_cast<std::uint64_t>(cycles));
  EXPECT_EQ(refused, 0) << why;  // who is in the middle of an event may end it
}

TEST(PluginCyclesTest, AModuleInCppComesAndGoesUnderFireAndLeavesNothing) {
  RunCycles(Scaled(1'000, 10'000), MODULE_HELLO);
}

TEST(PluginCyclesTest, AModuleInCComesAndGoesUnderFireAndLeavesNothing) {
  RunCycles(Scaled(1'000, 10'000), MODULE_HELLO_C);
}

}  // namespace
}  // namespace belfry
