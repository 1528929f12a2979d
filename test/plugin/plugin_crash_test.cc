// The program crashes inside of a plugin, in a process of its own; and what the next one makes of
// that.
#include "belfry/plugin_crash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/plugin_host.h"
#include "plugin/plugin_border.h"
#include "plugin/scripted_plugin.h"
#include "plugin/shop.h"
#include "scale.h"
#include "temporary_folder.h"

namespace belfry {
namespace {

using shop::OrderPlaced;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Sanitizers catch some signals before the system ends the program.
struct EndedBy {
  explicit EndedBy(int expected) : signal(expected) {}
  bool operator()(int status) const {
    if (kSanitized) return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
  }
  int signal;
};

void TouchNothing() {
  int* volatile nowhere = reinterpret_cast<int*>(64);  // NOLINT
  *nowhere = 1;
}

// Recurses until its stack is used up.
int UseUp(volatile char* former) {
  volatile char here[4096];
  here[0] = former == nullptr ? '0' : former[0];
  return here[0] == 'x' ? 0 : UseUp(here) + here[0];
}

class PluginCrashTest : public ::testing::Test {
 protected:
  ~PluginCrashTest() override { script = {}; }

  // A program with a plugin whose listener, or start, does that.
  void Run(std::function<void()> act, bool at_start = false,
           DispatcherOptions options = {.synchronous = true}) const {
    const belfry_plugin plugin = ScriptedPlugin();
    Dispatcher dispatcher(std::move(options));
    PluginHost host(dispatcher, {.crash_file = file_});
    shop::ExposeAll(host);
    ScriptedListener listener;
    listener.on_event = [&](const belfry_event&, belfry_error*) {
      act();
      return belfry_code{BELFRY_OK};
    };
    script.start = [&](const belfry_host& border, belfry_error* error) {
      border_ = &border;
      if (at_start) act();
      return listener.Subscribe(border, "shop.order_placed", error);
    };
    EXPECT_TRUE(host.Add(plugin).ok());
    EXPECT_TRUE(host.Start("scripted", kConfig).ok());
    const Subscription in_tree = dispatcher.Subscribe([](const shop::Greeted&) { std::abort(); },
                                                      {.run = belfry::Run::kInline});
    dispatcher.Publish(OrderPlaced{1, 100});
    dispatcher.Drain();
    std::_Exit(0);
  }
  // How the next start of that plugin ends.
  absl::Status StartAgain(const std::string& file) const {
    const belfry_plugin plugin = ScriptedPlugin();
    Dispatcher dispatcher({.synchronous = true});
    PluginHost host(dispatcher, {.crash_file = file});
    script.start = {};
    EXPECT_TRUE(host.Add(plugin).ok());
    return host.Start("scripted", kConfig);
  }

  const TemporaryFolder folder_;
  const std::string file_ = folder_ / "crashes";
  mutable const belfry_host* border_ = nullptr;
};

using PluginCrashDeathTest = PluginCrashTest;

TEST_F(PluginCrashDeathTest, WhoCrashesIsNamedAndStaysOff) {
  EXPECT_EXIT(Run(TouchNothing), EndedBy(SIGSEGV),
              "belfry: SIGSEGV inside of plugin scripted 1, scripted.listener, "
              "event shop.order_placed");
  const absl::Status again = StartAgain(file_);
  EXPECT_EQ(again.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Text(again),
              AllOf(HasSubstr("plugin scripted 1 is off, since it crashed the program: SIGSEGV in "
                              "scripted.listener at shop.order_placed"),
                    HasSubstr(file_)));
  EXPECT_TRUE(StartAgain(folder_ / "another").ok());
}

TEST_F(PluginCrashDeathTest, OnAThreadOfThePool) {
  EXPECT_EXIT(Run(TouchNothing, false, {.pool = {.threads = 2}}), EndedBy(SIGSEGV),
              "SIGSEGV inside of plugin scripted 1, scripted.listener");
  EXPECT_FALSE(StartAgain(file_).ok());
}

TEST_F(PluginCrashDeathTest, WhoAbortsIsNamed) {
  EXPECT_EXIT(Run([] { std::abort(); }), EndedBy(SIGABRT), "SIGABRT inside of plugin scripted 1");
  EXPECT_FALSE(StartAgain(file_).ok());
}

TEST_F(PluginCrashDeathTest, WhoUsesUpItsStackIsNamed) {
  EXPECT_EXIT(Run([] { UseUp(nullptr); }, false, {.pool = {.threads = 1}}), EndedBy(SIGSEGV),
              "SIGSEGV inside of plugin scripted 1");
  EXPECT_FALSE(StartAgain(file_).ok());
}

TEST_F(PluginCrashDeathTest, WhoCrashesAtItsStartIsNamed) {
  EXPECT_EXIT(Run(TouchNothing, true), EndedBy(SIGSEGV),
              "SIGSEGV inside of plugin scripted 1, start");
  EXPECT_THAT(Text(StartAgain(file_)), HasSubstr("SIGSEGV in start"));
}

TEST_F(PluginCrashDeathTest, ACrashInWhatItPublishedIsNotItsOwn) {
  const auto publish = [this] {
    PublishJson(*border_, "shop.greeted", R"({"whom": "ada"})", nullptr);
  };
  EXPECT_EXIT(Run(publish, false, {.pool = {.threads = 1}}), EndedBy(SIGABRT),
              "SIGABRT inside of what was published by plugin scripted 1");
  EXPECT_TRUE(StartAgain(file_).ok());
}

TEST_F(PluginCrashDeathTest, ACrashElsewhereIsLeftAlone) {
  const auto crash = [this] {
    Dispatcher dispatcher({.synchronous = true});
    const PluginHost host(dispatcher, {.crash_file = file_});
    std::abort();
  };
  EXPECT_EXIT(crash(), EndedBy(SIGABRT), "");
  EXPECT_THAT(*ReadPluginCrashes(file_), IsEmpty());
}

TEST_F(PluginCrashDeathTest, AHandlerThatWasThereBeforeIsCalled) {
  const auto crash = [this] {
    ::signal(SIGABRT, [](int) { std::_Exit(42); });
    Run([] { std::abort(); });
  };
  EXPECT_EXIT(crash(), ::testing::ExitedWithCode(42), "SIGABRT inside of plugin scripted 1");
}

TEST_F(PluginCrashTest, TheFormerHandlerComesBack) {
  struct sigaction before {};
  ::sigaction(SIGBUS, nullptr, &before);
  {
    Dispatcher dispatcher({.synchronous = true});
    const PluginHost host(dispatcher, {.crash_file = file_});
    const PluginHost another(dispatcher, {.crash_file = folder_ / "another"});
    struct sigaction during {};
    ::sigaction(SIGBUS, nullptr, &during);
    EXPECT_NE(before.sa_sigaction, during.sa_sigaction);
  }
  struct sigaction after {};
  ::sigaction(SIGBUS, nullptr, &after);
  EXPECT_EQ(before.sa_sigaction, after.sa_sigaction);
}

TEST_F(PluginCrashTest, WhoIsForgivenMayStart) {
  TemporaryFolder::Fill(file_,
                        "scripted\t1\tstart\t\tSIGSEGV\t\n"
                        "other\t1\tother.x\tshop.order_placed\tSIGABRT\t\n"
                        "scripted\t1\tscripted.x\tshop.order_placed\tSIGABRT\t\n"
                        "torn\t1\tsta");
  EXPECT_FALSE(StartAgain(file_).ok());
  Dispatcher dispatcher({.synchronous = true});
  PluginHost host(dispatcher, {.crash_file = file_});
  EXPECT_EQ(host.Forgive("torn").code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(host.Forgive("scripted").ok());
  EXPECT_EQ(TemporaryFolder::Content(file_), "other\t1\tother.x\tshop.order_placed\tSIGABRT\t\n");
  EXPECT_TRUE(StartAgain(file_).ok());
}

TEST_F(PluginCrashTest, ANewVersionMayStart) {
  TemporaryFolder::Fill(file_, "scripted\t0.9\tstart\t\tSIGSEGV\t\n");
  EXPECT_TRUE(StartAgain(file_).ok());
}

TEST_F(PluginCrashTest, AFileThatCannotBeOpenedIsTold) {
  Dispatcher dispatcher({.synchronous = true});
  try {
    const PluginHost host(dispatcher, {.crash_file = folder_ / "no/crashes"});
    ADD_FAILURE() << "it was opened";
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no/crashes"));
    EXPECT_EQ(error.code().value(), ENOENT);
  }
}

}  // namespace
}  // namespace belfry
