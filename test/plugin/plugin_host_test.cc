#include "belfry/plugin_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/library_events.h"
#include "plugin/shop.h"
#include "temporary_folder.h"
#include "waiting.h"

extern "C" const belfry_plugin belfry_plugin_v1_hello;
extern "C" const belfry_plugin belfry_plugin_v1_hello_c;

namespace belfry {
namespace {

using shop::Greeted;
using shop::OrderPlaced;
using shop::OrderThanked;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Text(const absl::Status& status) { return std::string(status.message()); }

// The module, and what it is called; in C++ and in C.
struct Hello {
  std::string id;
  std::string path;
  const belfry_plugin* linked;
};
const Hello kHellos[] = {{"hello", MODULE_HELLO, &belfry_plugin_v1_hello},
                         {"hello_c", MODULE_HELLO_C, &belfry_plugin_v1_hello_c}};

// Each on a synchronous dispatcher, and on a pool of so many threads.
class PluginHostTest : public ::testing::TestWithParam<std::tuple<Hello, unsigned>> {
 protected:
  PluginHostTest()
      : dispatcher_(threads_ == 0 ? DispatcherOptions{.synchronous = true}
                                  : DispatcherOptions{.pool = {.threads = threads_}}),
        host_(std::make_unique<PluginHost>(
            dispatcher_, PluginHostOptions{.trust = {.writable_by_others = true}})) {
    host_->Expose(Exposed<OrderPlaced>());
    host_->Expose(Exposed<OrderThanked>());
    host_->Expose(Exposed<Greeted>());
  }
  // A file of its own, so that nobody else has loaded it.
  std::string Copy(const std::string& name) {
    const std::string path = folder_ / name;
    std::filesystem::copy_file(hello_.path, path);
    return path;
  }
  std::string LoadHello() {
    const absl::StatusOr<std::string> id = host_->Load(Copy("hello.so"));
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : "";
  }
  void Unload(const std::string& id) {
    const absl::StatusOr<PluginUnload> unloaded = host_->Unload(id);
    ASSERT_TRUE(unloaded.ok()) << unloaded.status();
    EXPECT_EQ(*unloaded, PluginUnload::kUnmapped);
  }

  const Hello hello_ = std::get<0>(GetParam());
  const unsigned threads_ = std::get<1>(GetParam());
  const TemporaryFolder folder_;
  Dispatcher dispatcher_;
  std::unique_ptr<PluginHost> host_;
};
INSTANTIATE_TEST_SUITE_P(CppAndC, PluginHostTest,
                         ::testing::Combine(::testing::ValuesIn(kHellos),
                                            ::testing::Values(0u, 4u)),
                         [](const auto& mode) {
                           const unsigned threads = std::get<1>(mode.param);
                           return std::get<0>(mode.param).id +
                                  (threads == 0 ? "Synchronous" : "Pool" + std::to_string(threads));
                         });

TEST_P(PluginHostTest, ALoadedPluginReceivesAndPublishes) {
  const std::string hello = LoadHello();
  ASSERT_TRUE(host_->Start(hello).ok());
  std::vector<std::int64_t> thanked;
  const Subscription heard = dispatcher_.Subscribe(
      [&](const OrderThanked& event) { thanked.push_back(event.order * 100 + event.thanks); });
  dispatcher_.Publish(OrderPlaced{7, 1});
  dispatcher_.Publish(OrderPlaced{8, 1});
  dispatcher_.Drain();
  EXPECT_EQ(thanked, (std::vector<std::int64_t>{701, 802}));
  EXPECT_TRUE(host_->Stop(hello).ok());
  dispatcher_.Publish(OrderPlaced{9, 1});
  dispatcher_.Drain();
  EXPECT_EQ(thanked.size(), 2u);
  Unload(hello);
}

TEST_P(PluginHostTest, ALinkedPluginDoesTheSame) {
  const absl::StatusOr<std::string> hello = host_->Add(*hello_.linked);
  ASSERT_TRUE(hello.ok()) << hello.status();
  ASSERT_TRUE(host_->Start(*hello).ok());
  int thanked = 0;
  const Subscription heard = dispatcher_.Subscribe([&](const OrderThanked&) { ++thanked; });
  dispatcher_.Publish(OrderPlaced{7, 1});
  dispatcher_.Drain();
  EXPECT_EQ(thanked, 1);
  EXPECT_THAT(Text(host_->Unload(*hello).status()), HasSubstr("stop it first"));
  EXPECT_TRUE(host_->Stop(*hello).ok());
  EXPECT_THAT(Text(host_->Unload(*hello).status()), HasSubstr("linked into the program"));
}

TEST_P(PluginHostTest, AnErrorThatItReturnsIsItsListenersFailure) {
  const std::string hello = LoadHello();
  ASSERT_TRUE(host_->Start(hello).ok());
  std::string failed;
  const Subscription heard = dispatcher_.Subscribe(
      [&](const ListenerFailed& event) { failed = event.listener + ": " + event.what; });
  dispatcher_.Publish(OrderPlaced{7, -1});
  dispatcher_.Drain();
  EXPECT_THAT(failed,
              AllOf(HasSubstr(hello_.id + ".thank"), HasSubstr("an order costs something")));
  const PluginInfo info = host_->plugins().at(0);
  EXPECT_EQ(info.delivered, 1u);
  EXPECT_EQ(info.failed, 1u);
  EXPECT_EQ(info.published, 0u);
}

TEST_P(PluginHostTest, ADisabledOneIsNotCalledUntilItIsEnabledAndKeepsItsState) {
  const std::string hello = LoadHello();
  ASSERT_TRUE(host_->Start(hello).ok());
  std::uint32_t thanks = 0;
  const Subscription heard =
      dispatcher_.Subscribe([&](const OrderThanked& event) { thanks = event.thanks; });
  dispatcher_.Publish(OrderPlaced{1, 1});
  dispatcher_.Drain();
  ASSERT_TRUE(host_->Disable(hello).ok());
  EXPECT_EQ(host_->plugins().at(0).state, PluginState::kDisabled);
  dispatcher_.Publish(OrderPlaced{2, 1});
  dispatcher_.Drain();
  EXPECT_EQ(thanks, 1u);
  ASSERT_TRUE(host_->Enable(hello).ok());
  EXPECT_FALSE(host_->Enable(hello).ok());
  dispatcher_.Publish(OrderPlaced{3, 1});
  dispatcher_.Drain();
  EXPECT_EQ(thanks, 2u);
}

TEST_P(PluginHostTest, WhatIsNotStartedIsNotStopped) {
  const std::string hello = LoadHello();
  EXPECT_EQ(host_->Stop(hello).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(host_->Disable(hello).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(host_->Enable(hello).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(host_->Start("nobody").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(host_->Unload("nobody").status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(host_->Start(hello).ok());
  EXPECT_EQ(host_->Start(hello).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(PluginHostTest, TheSameFileIsNotLoadedTwice) {
  const std::string path = Copy("hello.so");
  ASSERT_TRUE(host_->Load(path).ok());
  const absl::Status again = host_->Load(path).status();
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Text(again), HasSubstr("loaded in this process already"));
  // By another name it is the same file.
  const std::string link = folder_ / "link.so";
  std::filesystem::create_symlink(path, link);
  EXPECT_EQ(host_->Load(link).status().code(), absl::StatusCode::kAlreadyExists);
  PluginHost other(dispatcher_, {.trust = {.writable_by_others = true}});
  EXPECT_EQ(other.Load(path).status().code(), absl::StatusCode::kAlreadyExists);
  Unload(hello_.id);
  EXPECT_TRUE(other.Load(path).ok());
}

TEST_P(PluginHostTest, WhatIsRefusedBecauseItIsLoadedDoesNotStandInTheWayOfOthers) {
  // The next file gets the descriptor of the one that was refused.
  const std::string path = Copy("hello.so");
  ASSERT_TRUE(host_->Load(path).ok());
  EXPECT_EQ(host_->Load(path).status().code(), absl::StatusCode::kAlreadyExists);
  PluginHost other(dispatcher_, {.trust = {.writable_by_others = true}});
  const absl::Status loaded = other.Load(Copy("other.so")).status();
  EXPECT_TRUE(loaded.ok()) << loaded;
}

TEST_P(PluginHostTest, OfTwoPluginsWithOneIdTheSecondIsRefusedAndLeavesNothing) {
  LoadHello();
  const std::size_t open = CountDescriptors();
  const absl::Status second = host_->Load(Copy("other.so")).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Text(second), AllOf(HasSubstr("other.so"), HasSubstr("hello.so")));
  EXPECT_EQ(CountDescriptors(), open);
}

TEST_P(PluginHostTest, AFolderIsLoadedFileByFile) {
  Copy("b.so");
  std::ofstream(folder_ / "a.so") << "no plugin";
  std::ofstream(folder_ / "README") << "no plugin either";
  ::chmod((folder_ / "a.so").c_str(), 0644);
  const std::vector<PluginHost::Loaded> loaded = host_->LoadFolder(folder_.path());
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0].path, folder_ / "a.so");
  EXPECT_EQ(loaded[0].id.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(loaded[1].id.value(), hello_.id);
  EXPECT_FALSE(host_->LoadFolder(folder_ / "none").at(0).id.ok());
}

TEST_P(PluginHostTest, WhatWasCheckedIsWhatIsLoaded) {
  // Somebody puts another file in its place; what is open stays what it was.
  const std::string path = Copy("hello.so");
  ASSERT_TRUE(host_->Load(path).ok());
  std::filesystem::remove(path);
  std::ofstream(path) << "another file";
  EXPECT_TRUE(host_->Start(hello_.id).ok());
  EXPECT_TRUE(host_->Stop(hello_.id).ok());
  Unload(hello_.id);
}

TEST_P(PluginHostTest, ALibraryWithANoteOfAnotherPluginIsRefused) {
  // The note in the file says another version than the symbol.
  std::string bytes = TemporaryFolder::Content(hello_.path);
  const std::size_t note = bytes.find("version 1.0.0");
  ASSERT_NE(note, std::string::npos);
  bytes[note + 8] = '2';
  const std::string path = folder_ / "changed.so";
  TemporaryFolder::Fill(path, bytes);
  ::chmod(path.c_str(), 0755);
  const std::size_t open = CountDescriptors();
  const absl::Status status = host_->Load(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Text(status), HasSubstr("its note is another one than the file's"));
  EXPECT_EQ(CountDescriptors(), open);
}

TEST_P(PluginHostTest, AnUnknownKeyOfAConfigurationIsRefused) {
  const std::string hello = LoadHello();
  EXPECT_THAT(Text(host_->Start(hello, R"({"volume": 11})")),
              HasSubstr("key volume is unknown to it"));
  EXPECT_THAT(Text(host_->Start(hello, "[]")), HasSubstr("no JSON object"));
  EXPECT_TRUE(host_->Start(hello, "{}").ok());
}

TEST_P(PluginHostTest, AHostThatDoesNotKnowItsEventsIsTold) {
  PluginHost other(dispatcher_, {.trust = {.writable_by_others = true}});
  other.Expose(Exposed<OrderPlaced>());
  ASSERT_TRUE(other.Load(Copy("hello.so")).ok());
  const absl::Status started = other.Start(hello_.id);
  EXPECT_EQ(started.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Text(started), AllOf(HasSubstr("does not know the event shop.order_thanked"),
                                   HasSubstr("it knows: shop.order_placed")));
  EXPECT_THAT(dispatcher_.ListenerNames(EventTypeOf<OrderPlaced>()), IsEmpty());
}

TEST_P(PluginHostTest, AfterAnUnloadNothingIsLeft) {
  const std::size_t open = CountDescriptors();
  const std::string path = Copy("hello.so");
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(host_->Load(path).ok());
    ASSERT_TRUE(host_->Start(hello_.id).ok());
    dispatcher_.Publish(OrderPlaced{7, 1});
    ASSERT_TRUE(host_->Stop(hello_.id).ok());
    Unload(hello_.id);
    ASSERT_EQ(CountDescriptors(), open);
  }
}

}  // namespace
}  // namespace belfry
