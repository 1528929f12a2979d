// Today's host and a plugin that was compiled against the headers of border version 1.0.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/plugin_host.h"
#include "plugin/shop.h"
#include "temporary_folder.h"
#include "waiting.h"

namespace belfry {
namespace {

using shop::Greeted;
using shop::OrderPlaced;
using ::testing::ElementsAre;

TEST(PluginSnapshotTest, APluginOfVersionOneZeroReceivesPublishesLogsListsAndIsOnTime) {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::vector<std::string> greeted;
  Dispatcher dispatcher({.pool = {.threads = 2}});
  const Subscription heard =
      dispatcher.Subscribe([&](const Greeted& event) { greeted.push_back(event.whom); });
  PluginHost host(dispatcher,
                  {.trust = {.writable_by_others = true},
                   .log = [&](std::string_view plugin, std::uint32_t, std::string_view line) {
                     const std::lock_guard lock(mutex);
                     lines.push_back(std::string(plugin) + " " + std::string(line));
                   }});
  host.Expose(Exposed<OrderPlaced>());
  host.Expose(Exposed<Greeted>());
  const absl::StatusOr<std::string> id = host.Load(MODULE_OLD_PLUGIN);
  ASSERT_TRUE(id.ok()) << id.status();
  const absl::Status started = host.Start(*id);
  ASSERT_TRUE(started.ok()) << started;

  dispatcher.Publish(OrderPlaced{7, 100});
  dispatcher.Drain();
  EXPECT_THAT(greeted, ElementsAre("order 7"));
  const auto is_logged = [&](const std::string& line) {
    return Eventually([&] {
      const std::lock_guard lock(mutex);
      return std::find(lines.begin(), lines.end(), line) != lines.end();
    });
  };
  EXPECT_TRUE(is_logged("old knows shop.greeted"));
  EXPECT_TRUE(is_logged("old knows shop.order_placed"));
  EXPECT_TRUE(is_logged("old received"));
  EXPECT_TRUE(is_logged("old on time"));
  EXPECT_TRUE(host.Stop(*id).ok());
  const absl::StatusOr<PluginUnload> unloaded = host.Unload(*id);
  ASSERT_TRUE(unloaded.ok()) << unloaded.status();
  EXPECT_EQ(*unloaded, PluginUnload::kUnmapped);
}

// Whoever changes a header before the release takes it over; afterwards the minor version grows.
TEST(PluginSnapshotTest, UntilTheNextMinorVersionTheHeadersAreWhatWasKept) {
  if (BELFRY_ABI_MINOR > 0) GTEST_SKIP() << "they have grown";
  const std::filesystem::path root = SOURCE_FOLDER;
  int compared = 0;
  for (const auto& kept :
       std::filesystem::directory_iterator(root / "test/plugin/abi_1_0/belfry")) {
    const std::filesystem::path now = root / "include/belfry" / kept.path().filename();
    EXPECT_EQ(TemporaryFolder::Content(now), TemporaryFolder::Content(kept.path()))
        << now << " has changed; abi_1_0/README.md says what to do";
    ++compared;
  }
  EXPECT_EQ(compared, 5);
}

}  // namespace
}  // namespace belfry
