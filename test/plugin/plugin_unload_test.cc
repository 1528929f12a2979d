// What stays behind when a module goes, and what keeps it from going.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/library_events.h"
#include "belfry/plugin_host.h"
#include "plugin/shop.h"
#include "temporary_folder.h"

namespace belfry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class PluginUnloadTest : public ::testing::Test {
 protected:
  PluginUnloadTest() { host_.Expose(Exposed<shop::OrderPlaced>()); }

  // A copy of its own, since what lingers cannot be loaded again.
  std::string Load(const std::string& module) {
    const std::string path = folder_ / "module.so";
    std::filesystem::copy_file(module, path, std::filesystem::copy_options::overwrite_existing);
    const absl::StatusOr<std::string> id = host_.Load(path);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : "";
  }

  const TemporaryFolder folder_;
  Dispatcher dispatcher_{DispatcherOptions{.synchronous = true}};
  PluginHost host_{dispatcher_, {.trust = {.writable_by_others = true}}};
};

TEST_F(PluginUnloadTest, WhatAnExceptionSaidOutlivesTheModuleThatHasItsType) {
  std::string failed;
  const Subscription failures =
      dispatcher_.Subscribe([&](const ListenerFailed& event) { failed = event.what; });
  const std::string id = Load(MODULE_THROWING);
  ASSERT_TRUE(host_.Start(id).ok());
  dispatcher_.Publish(shop::OrderPlaced{7, 1});
  ASSERT_TRUE(host_.Stop(id).ok());
  ASSERT_EQ(host_.Unload(id).value(), PluginUnload::kUnmapped);
  EXPECT_THAT(failed, HasSubstr("the oven is cold"));
  dispatcher_.Publish(shop::OrderPlaced{8, 1});
}

TEST_F(PluginUnloadTest, WhatTheSystemKeepsMappedIsSaidToLinger) {
  const std::string id = Load(MODULE_LINGERING);
  ASSERT_TRUE(host_.Start(id).ok());
  ASSERT_TRUE(host_.Stop(id).ok());
  ASSERT_EQ(host_.Unload(id).value(), PluginUnload::kLingering);
  EXPECT_TRUE(host_.plugins().empty());
  EXPECT_EQ(host_.Load(folder_ / "module.so").status().code(), absl::StatusCode::kAlreadyExists);
}

#ifdef MODULE_UNIQUE
TEST_F(PluginUnloadTest, WhatHasUniqueSymbolsIsNotUnloadedAndTheyAreNamed) {
  const std::string id = Load(MODULE_UNIQUE);
  const absl::Status refused = host_.Unload(id).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("starts"), HasSubstr("-fno-gnu-unique")));
  EXPECT_TRUE(host_.Start(id).ok());
}
#endif

}  // namespace
}  // namespace belfry
