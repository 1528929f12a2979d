// The plugin in a host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "audit/size_limit.h"
#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/plugin_host.h"
#include "plugin/shop.h"
#include "temporary_folder.h"

extern "C" const belfry_plugin belfry_plugin_v1_audit;

namespace audit {
namespace {

using belfry::TemporaryFolder;
using shop::Greeted;
using shop::OrderPlaced;
using shop::OrderThanked;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string Text(const absl::Status& status) { return std::string(status.message()); }

// Linked into the test, and as a module.
class AuditTest : public ::testing::TestWithParam<bool> {
 protected:
  AuditTest() {
    shop::ExposeAll(host_);
    const absl::StatusOr<std::string> id = Load();
    EXPECT_TRUE(id.ok()) << id.status();
  }
  absl::StatusOr<std::string> Load() {
    if (!GetParam()) return host_.Add(belfry_plugin_v1_audit);
    const std::string module = folder_ / "audit.so";
    std::filesystem::copy_file(MODULE_AUDIT, module);
    return host_.Load(module);
  }
  // With the path, and `more` keys.
  absl::Status Start(const std::string& more = "") {
    return host_.Start("audit", R"({"path": ")" + path_ + "\"" + more + "}");
  }
  std::vector<boost::json::object> Lines(const std::string& path) const {
    std::vector<boost::json::object> lines;
    std::istringstream content(TemporaryFolder::Content(path));
    for (std::string line; std::getline(content, line);) {
      lines.push_back(boost::json::parse(line).as_object());
    }
    return lines;
  }
  // The lines, each from behind its time.
  std::vector<std::string> Written() const {
    std::vector<std::string> written;
    std::istringstream content(TemporaryFolder::Content(path_));
    for (std::string line; std::getline(content, line);) {
      written.push_back(line.substr(std::min(line.find(R"("event")"), line.size())));
    }
    return written;
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_ / "events.jsonl";
  std::vector<std::string> logged_;
  belfry::Dispatcher dispatcher_{{.pool = {.threads = 2}}};
  belfry::PluginHost host_{
      dispatcher_,
      {.trust = {.writable_by_others = true},
       .log =
           [this](std::string_view plugin, std::uint32_t, std::string_view line) {
             logged_.push_back(std::string(plugin) + ": " + std::string(line));
           },
       .listener_options =
           [](std::string_view) { return belfry::ListenerOptions{.dead_letters = true}; }}};
};
INSTANTIATE_TEST_SUITE_P(LinkedAndModule, AuditTest, ::testing::Bool(), [](const auto& mode) {
  return std::string(mode.param ? "Module" : "Linked");
});

TEST_P(AuditTest, EveryEventThatIsExposedIsWritten) {
  ASSERT_TRUE(Start().ok());
  dispatcher_.Publish(Greeted{"ada \"the\" \n first", std::nullopt});
  dispatcher_.Publish(OrderPlaced{7, 100});
  dispatcher_.Publish(OrderThanked{7, 1});
  dispatcher_.Drain();
  EXPECT_THAT(Written(),
              UnorderedElementsAre(
                  R"("event":"shop.greeted","schema":2,"data":{"whom":"ada \"the\" \n first"}})",
                  R"("event":"shop.order_placed","schema":1,"data":{"order":7,"cents":100}})",
                  R"("event":"shop.order_thanked","schema":1,"data":{"order":7,"thanks":1}})"));
}

TEST_P(AuditTest, OnlyEventsThatAreNamedAreWritten) {
  ASSERT_TRUE(Start(R"(, "events": ["shop.greeted", "shop.greeted"])").ok());
  dispatcher_.Publish(OrderPlaced{7, 100});
  dispatcher_.Publish(Greeted{"ada", std::nullopt});
  dispatcher_.Drain();
  EXPECT_THAT(Written(),
              ElementsAre(R"("event":"shop.greeted","schema":2,"data":{"whom":"ada"}})"));
  EXPECT_EQ(host_.plugins().at(0).delivered, 1u);
}

TEST_P(AuditTest, WhatItIsToldMustMakeSense) {
  EXPECT_THAT(Text(host_.Start("audit", "{}")), HasSubstr("key path (text) is missing"));
  EXPECT_THAT(Text(Start(R"(, "events": ["shop.greeted", "shop.closed", "shop.opened"])")),
              HasSubstr("key events: the host does not know these: shop.closed shop.opened"));
  EXPECT_THAT(Text(Start(R"(, "events": [])")), HasSubstr("without the key all are written"));
  EXPECT_THAT(Text(Start(R"(, "events": ["a", 1])")), HasSubstr(R"(key events is ["a",1])"));
  EXPECT_THAT(Text(Start(R"(, "bytes_max": 0)")), HasSubstr("key bytes_max is 0, wanted is"));
  EXPECT_THAT(Text(Start(R"(, "files_max": -1)")),
              HasSubstr("key files_max is -1, wanted is an integer from 1 to 1000"));
  EXPECT_THAT(Text(Start(R"(, "files_max": 18446744073709551615)")),
              HasSubstr("an integer from 1 to 1000"));
  EXPECT_THAT(Text(host_.Start("audit", R"({"path": ""})")), HasSubstr("a file's name"));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_THAT(Text(host_.Start("audit", R"({"path": "/nowhere/log"})")),
              HasSubstr("cannot open /nowhere/log: No such file or directory"));
  EXPECT_TRUE(Start(R"(, "bytes_max": 1, "files_max": 1)").ok());
}

TEST_P(AuditTest, AnotherStartGoesOnAndEndsALineThatIsTorn) {
  ASSERT_TRUE(Start().ok());
  dispatcher_.Publish(OrderPlaced{7, 100});
  dispatcher_.Drain();
  ASSERT_TRUE(host_.Stop("audit").ok());
  EXPECT_THAT(logged_, ElementsAre());
  const std::string before = TemporaryFolder::Content(path_);
  TemporaryFolder::Fill(path_, before + R"({"time":"2026-)");
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(TemporaryFolder::Content(path_), before + "{\"time\":\"2026-\n");
  EXPECT_THAT(logged_, ElementsAre(AllOf(HasSubstr("audit: "), HasSubstr(path_),
                                         HasSubstr("ended within a line"))));
}

TEST_P(AuditTest, WhoeverPublishesEveryEventIsOneWholeLineInOneOfTheFiles) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 500;
  constexpr std::size_t kBytesMax = 4096;
  ASSERT_TRUE(Start(R"(, "bytes_max": 4096, "files_max": 1000)").ok());
  std::vector<std::thread> publishers;
  for (int thread = 0; thread < kThreads; ++thread) {
    publishers.emplace_back([&, thread] {
      for (int i = 0; i < kEvents; ++i) {
        const std::int64_t order = thread * kEvents + i;
        dispatcher_.Publish(OrderPlaced{order, 1});
        dispatcher_.Publish(Greeted{std::to_string(order), std::nullopt});
      }
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  dispatcher_.Drain();

  std::map<std::string, int> seen;
  std::size_t files = 0;
  std::string newest_time = "9";
  for (std::string path = path_; std::filesystem::exists(path);
       path = path_ + "." + std::to_string(files)) {
    ++files;
    const std::string content = TemporaryFolder::Content(path);
    EXPECT_LE(content.size(), kBytesMax);
    EXPECT_EQ(content.back(), '\n');
    for (const boost::json::object& line : Lines(path)) {
      ++seen[boost::json::serialize(line.at("data"))];
    }
    const std::string time(Lines(path).front().at("time").as_string());
    EXPECT_LE(time, newest_time);
    newest_time = time;
  }
  EXPECT_GT(files, 10u);
  EXPECT_EQ(seen.size(), 2u * kThreads * kEvents);
  EXPECT_TRUE(
      std::all_of(seen.begin(), seen.end(), [](const auto& one) { return one.second == 1; }));
}

TEST_P(AuditTest, OnAFullDiskADeliveryFailsAndTheNextOneTriesAgain) {
  ASSERT_TRUE(host_.Start("audit", R"({"path": "/dev/full"})").ok());
  dispatcher_.Publish(OrderPlaced{1, 100});
  dispatcher_.Publish(OrderPlaced{2, 100});
  dispatcher_.Drain();
  const std::vector<belfry::DeadLetter> letters = dispatcher_.dead_letters().List();
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].listener, "audit.shop.order_placed");
  EXPECT_THAT(letters[0].what, HasSubstr("cannot write to /dev/full: No space left on device"));
  EXPECT_EQ(letters[1].As<OrderPlaced>()->order, 2);
}

TEST_P(AuditTest, WhatAFullDiskHasRefusedIsWrittenWhenThereIsRoomAgain) {
  ASSERT_TRUE(Start().ok());
  dispatcher_.Publish(OrderPlaced{1, 100});
  dispatcher_.Drain();
  {
    const SizeLimit limit(std::filesystem::file_size(path_) + 5);
    dispatcher_.Publish(OrderPlaced{2, 100});
    dispatcher_.Drain();
  }
  EXPECT_EQ(Written().size(), 1u);
  dispatcher_.Publish(OrderPlaced{3, 100});
  const std::vector<belfry::DeadLetter> letters = dispatcher_.dead_letters().List();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_TRUE(dispatcher_.dead_letters().Retry(letters[0].number).ok());
  dispatcher_.Drain();
  EXPECT_THAT(Written(), ElementsAre(HasSubstr("\"order\":1"), HasSubstr("\"order\":3"),
                                     HasSubstr("\"order\":2")));
}

TEST_P(AuditTest, AStoppedOneHasClosedItsFileAndAModuleGoes) {
  ASSERT_TRUE(Start().ok());
  dispatcher_.Publish(OrderPlaced{1, 100});
  dispatcher_.Drain();
  ASSERT_TRUE(host_.Stop("audit").ok());
  const auto is_log = [&](const auto& descriptor) {
    std::error_code error;
    return std::filesystem::read_symlink(descriptor, error) == path_;
  };
  EXPECT_TRUE(std::none_of(std::filesystem::directory_iterator("/proc/self/fd"), {}, is_log));
  if (!GetParam()) return;
  const absl::StatusOr<belfry::PluginUnload> unloaded = host_.Unload("audit");
  ASSERT_TRUE(unloaded.ok()) << unloaded.status();
  EXPECT_EQ(*unloaded, belfry::PluginUnload::kUnmapped);
}

}  // namespace
}  // namespace audit
