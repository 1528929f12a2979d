// The examples of the headers for hosts of plugins.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "belfry/describe.h"
#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/foreign_event.h"
#include "belfry/manual_timers.h"
#include "belfry/plugin_breaker.h"
#include "belfry/plugin_file.h"
#include "belfry/plugin_host.h"
#include "belfry/plugin_object.hpp"
#include "belfry/plugin_timers.hpp"
#include "plugin/scripted_plugin.h"
#include "temporary_folder.h"

namespace {

namespace described {

// example: describe.h
struct OrderPlaced {
  std::int64_t order = 0;
  std::optional<std::string> pizza;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order, pizza))
// end of example

TEST(PluginExamples, Describe) {
  // example: describe.h
  const std::string text = belfry::WriteJson(OrderPlaced{7, "margherita"});
  const absl::StatusOr<OrderPlaced> order = belfry::ReadJson<OrderPlaced>(text);
  // end of example
  EXPECT_EQ(text, R"({"order":7,"pizza":"margherita"})");
  EXPECT_EQ(order->pizza, "margherita");
}

}  // namespace described

// example: exposed_event.h
struct OrderPlaced {
  std::int64_t order = 0;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order, cents))
BELFRY_EVENT_NAME(OrderPlaced, "shop.order_placed", 1);
// end of example

struct OrderThanked {
  std::int64_t order = 0;
  std::uint32_t thanks = 0;
};
BOOST_DESCRIBE_STRUCT(OrderThanked, (), (order, thanks))
BELFRY_EVENT_NAME(OrderThanked, "shop.order_thanked", 1);

TEST(PluginExamples, ExposedEvent) {
  belfry::Dispatcher dispatcher({.synchronous = true});
  belfry::PluginHost host(dispatcher);
  // example: exposed_event.h
  host.Expose(belfry::Exposed<OrderPlaced>());
  // end of example
}

TEST(PluginExamples, ForeignEvent) {
  belfry::Dispatcher dispatcher({.synchronous = true});
  belfry::PluginHost host(dispatcher);
  std::cout << "the example prints: ";
  // example: foreign_event.h
  host.Expose(belfry::Foreign("shop.parcel_sent", 1));
  const belfry::Subscription sent = dispatcher.Subscribe(
      [](const belfry::ForeignEvent& event) { std::cout << event.name << event.json << '\n'; });
  // end of example
  dispatcher.Publish(belfry::ForeignEvent{"shop.parcel_sent", 1, "{}"});
}

TEST(PluginExamples, PluginHost) {
  const std::string path = HELLO_C;
  belfry::Dispatcher dispatcher({.synchronous = true});
  // example: plugin_host.h
  belfry::PluginHost host(dispatcher);
  host.Expose(belfry::Exposed<OrderPlaced>());
  host.Expose(belfry::Exposed<OrderThanked>());
  const absl::StatusOr<std::string> hello = host.Load(path);
  if (hello.ok()) host.Start(*hello).IgnoreError();
  // end of example
  ASSERT_TRUE(hello.ok()) << hello.status();
  std::uint32_t thanks = 0;
  const belfry::Subscription heard =
      dispatcher.Subscribe([&](const OrderThanked& event) { thanks = event.thanks; });
  dispatcher.Publish(OrderPlaced{7, 650});
  EXPECT_EQ(thanks, 1u);
}

void Alert(const std::string& text) { std::cout << text << '\n'; }

TEST(PluginExamples, PluginBreaker) {
  belfry::Dispatcher dispatcher;
  // example: plugin_breaker.h
  belfry::PluginHost host(dispatcher, {.breaker = {.deadline = std::chrono::seconds(5)}});
  auto cut_off = dispatcher.Subscribe(
      [](const belfry::PluginCutOff& event) { Alert(event.plugin + ": " + event.why); });
  // end of example
}

TEST(PluginExamples, PluginCrash) {
  const belfry::TemporaryFolder folder;
  const std::string path = folder / "crashes";
  belfry::Dispatcher dispatcher({.synchronous = true});
  // example: plugin_crash.h
  belfry::PluginHost host(dispatcher, {.crash_file = path});
  const absl::Status started = host.Start("hello");  // FAILED_PRECONDITION: it crashed before
  if (!started.ok()) host.Forgive("hello").IgnoreError();
  // end of example
}

void Remind() { std::cout << "the example reminds\n"; }
void Beat() {}

TEST(PluginExamples, PluginTimers) {
  belfry::ManualTimers timers;
  const belfry_plugin plugin = belfry::ScriptedPlugin();
  belfry::Dispatcher dispatcher({.synchronous = true, .clock = &timers.clock(), .timers = &timers});
  belfry::PluginHost belfry_host(dispatcher);
  belfry::script.start = [](const ::belfry_host& border, belfry_error*) {
    const belfry::plugin::Host host(border);
    // example: plugin_timers.hpp
    belfry::plugin::After(host, "reminder", std::chrono::minutes(5), [] { Remind(); });
    const std::uint64_t beat =
        belfry::plugin::Every(host, "beat", std::chrono::seconds(1), [] { Beat(); });
    host.Unsubscribe(beat);
    // end of example
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(belfry_host.Add(plugin).ok());
  ASSERT_TRUE(belfry_host.Start("scripted", R"({"loud": true})").ok());
  timers.Advance(std::chrono::minutes(6));
  EXPECT_EQ(belfry_host.plugins().at(0).delivered, 1u);
}

struct Greeted {
  std::string whom;
};
BOOST_DESCRIBE_STRUCT(Greeted, (), (whom))
BELFRY_EVENT_NAME(Greeted, "shop.greeted", 1);

class Guests {
 public:
  explicit Guests(belfry::plugin::Host host) {
    // example: plugin_object.hpp
    const auto greeted = host.Find(belfry::plugin::Object<Greeted>("shop.greeted", 1));
    host.Listen("guests", greeted, [this](const Greeted& event) { Welcome(event.whom); });
    greeted.Publish(Greeted{"ada"});
    // end of example
  }
  const std::vector<std::string>& guests() const { return guests_; }

 private:
  void Welcome(const std::string& whom) { guests_.push_back(whom); }

  std::vector<std::string> guests_;
};

TEST(PluginExamples, PluginObject) {
  const belfry_plugin plugin = belfry::ScriptedPlugin();
  std::optional<Guests> guests;
  belfry::Dispatcher dispatcher({.synchronous = true});
  belfry::PluginHost belfry_host(dispatcher);
  belfry_host.Expose(belfry::Exposed<Greeted>());
  belfry::script.start = [&](const ::belfry_host& border, belfry_error*) {
    guests.emplace(belfry::plugin::Host(border));
    return belfry_code{BELFRY_OK};
  };
  ASSERT_TRUE(belfry_host.Add(plugin).ok());
  ASSERT_TRUE(belfry_host.Start("scripted", R"({"loud": true})").ok());
  dispatcher.Publish(Greeted{"bob"});
  EXPECT_EQ(guests->guests().size(),
            1u);  // what it published itself it did not hear: it was starting
}

TEST(PluginExamples, PluginFile) {
  const std::string path = HELLO_C;
  std::cout << "the example prints: ";
  // example: plugin_file.h
  const absl::StatusOr<belfry::PluginFile> file = belfry::ReadPluginFile(path);
  if (file.ok()) std::cout << file->note.id << ' ' << file->note.version << '\n';
  // end of example
}

}  // namespace
