// What a delivery costs across the border to a plugin, beside one to a listener in the program.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "benchmark/benchmark.h"
#include <boost/describe.hpp>

#include "belfry/dispatcher.h"
#include "belfry/exposed_event.h"
#include "belfry/manual_executor.h"
#include "belfry/plugin_host.h"
#include "bench/plugin_tick.h"

namespace bench {
BOOST_DESCRIBE_STRUCT(Tick, (), (sequence, amount, account, reference))
BELFRY_EVENT_NAME(Tick, kTickName, 1);
}  // namespace bench

namespace {

using belfry::Run;
using bench::Tick;

constexpr std::uint64_t kEvents = 4096;         // published, then delivered
constexpr std::uint64_t kPoolEvents = 200'000;  // the same at once
constexpr std::size_t kRoom = 65'536;

belfry::ListenerOptions Options(Run run) {
  if (run == Run::kInline) return {.name = "add", .run = run};
  return {.name = "add",
          .queue = {.events_max = kRoom},
          .overflow = belfry::Overflow::Block(std::chrono::minutes(1))};
}

class InTree {
 public:
  InTree(belfry::Dispatcher& dispatcher, Run run)
      : subscription_(dispatcher.Subscribe(
            [sum = &sum_](const Tick& event) { *sum += event.amount; }, Options(run))) {}

  std::uint64_t Stop() {
    subscription_.Reset();
    return sum_;
  }

 private:
  std::uint64_t sum_ = 0;
  belfry::Subscription subscription_;
};

class Plugin {
 public:
  Plugin(belfry::Dispatcher& dispatcher, Run run, const char* form)
      : host_(dispatcher,
              {.log = [this](auto, auto, std::string_view line) { sum_ = std::string(line); },
               .listener_options = [run](std::string_view) { return Options(run); }}) {
    host_.Expose(belfry::Exposed<Tick>());
    absl::Status status = host_.Load(BENCH_MODULE).status();
    const std::string run_name = run == Run::kInline ? "inline" : "queued";
    status.Update(
        host_.Start("adder", R"({"run": ")" + run_name + R"(", "form": ")" + form + R"("})"));
    if (!status.ok()) std::fprintf(stderr, "bench_plugin: %s\n", status.ToString().c_str());
  }

  std::uint64_t Stop() {
    host_.Stop("adder").IgnoreError();
    host_.Unload("adder").IgnoreError();
    return sum_.empty() ? 0 : std::stoull(sum_);
  }

 private:
  std::string sum_;
  belfry::PluginHost host_;
};

class View : public Plugin {
 public:
  View(belfry::Dispatcher& dispatcher, Run run) : Plugin(dispatcher, run, "view") {}
};
class Json : public Plugin {
 public:
  Json(belfry::Dispatcher& dispatcher, Run run) : Plugin(dispatcher, run, "json") {}
};

// Processor time of the thread, in seconds.
double Now() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// What is measured: on one thread, or through a pool of one.
enum class Way { kInline, kQueued, kDeliveryAlone, kPool };
constexpr std::pair<Way, const char*> kWays[] = {{Way::kInline, "inline"},
                                                 {Way::kQueued, "queued"},
                                                 {Way::kDeliveryAlone, "queued delivery alone"},
                                                 {Way::kPool, "queued through a pool"}};

// Seconds of processor time for so many events on this thread.
template <class Deliver>
double Time(belfry::Dispatcher& dispatcher, bool delivery_alone, Deliver deliver) {
  double began = Now();
  for (std::uint64_t i = 0; i < kEvents; ++i) dispatcher.Publish(Tick{i, 1, 2, 3});
  if (delivery_alone) began = Now();
  deliver();
  return Now() - began;
}

template <class Listener>
void OnOneThread(benchmark::State& state, Way way) {
  belfry::ManualExecutor executor;
  belfry::Dispatcher dispatcher({.executor = &executor});
  Listener listener(dispatcher, way == Way::kInline ? Run::kInline : Run::kQueued);
  std::uint64_t published = 0;
  for (auto _ : state) {
    state.SetIterationTime(
        Time(dispatcher, way == Way::kDeliveryAlone, [&] { executor.RunUntilIdle(); }));
    published += kEvents;
  }
  if (listener.Stop() != published) state.SkipWithError("an event was lost");
  state.SetItemsProcessed(static_cast<std::int64_t>(published));
}

template <class Listener>
void ThroughPool(benchmark::State& state) {
  belfry::Dispatcher dispatcher({.pool = {.threads = 1}});
  Listener listener(dispatcher, Run::kQueued);
  std::uint64_t published = 0;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kPoolEvents; ++i) dispatcher.Publish(Tick{i, 1, 2, 3});
    dispatcher.Drain();
    published += kPoolEvents;
  }
  if (listener.Stop() != published) state.SkipWithError("an event was lost");
  state.SetItemsProcessed(static_cast<std::int64_t>(published));
}

template <class Listener>
bool Register(const std::string& contender) {
  for (const auto& [way, variant] : kWays) {
    const std::string name = std::string("plugin/") + variant + "/" + contender;
    if (way == Way::kPool) {
      benchmark::RegisterBenchmark(name.c_str(), ThroughPool<Listener>)->UseRealTime();
    } else {
      benchmark::RegisterBenchmark(name.c_str(), [way = way](benchmark::State& state) {
        OnOneThread<Listener>(state, way);
      })->UseManualTime();
    }
  }
  return true;
}

[[maybe_unused]] const bool registered =
    Register<View>("belfry") && Register<InTree>("in the program") && Register<Json>("as JSON");

}  // namespace
