// What compositions cost. Prints one JSON object a line:
//   {"work": "compose", "variant": ..., "unit": ..., "contender": "belfry", "value": ...}
//
// A composition of three parts beside the delivery of its three events to listeners that read of
// each what a composition must know: its id and its story. Then a million that are open at once:
// bytes (as malloc counts them, its own overhead included), and what it takes to open one and to
// have one time out.
#include "belfry/flow/compose.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>
#include <vector>

#include "belfry/manual_executor.h"
#include "belfry/manual_timers.h"
#include "bench/heap.h"

namespace {

using belfry::Compose;
using belfry::Composition;
using belfry::CompositionOptions;
using belfry::Dispatcher;

struct Stored {
  std::uint64_t user = 0;
};
struct Read {
  std::uint64_t user = 0;
};
struct Accepted {
  std::uint64_t user = 0;
};
struct SignedUp {
  std::uint64_t user = 0;
};
struct Failed {};

constexpr std::uint64_t kRounds = 1'000'000;
constexpr std::uint64_t kOpen = 1'000'000;

void Print(const char* variant, const char* unit, double value) {
  std::printf(
      "{\"work\": \"compose\", \"variant\": \"%s\", \"unit\": \"%s\", \"contender\": \"belfry\", "
      "\"value\": %.4f}\n",
      variant, unit, value);
}

void Check(bool right) {
  if (right) return;
  std::fputs("bench_compose: a composition was lost\n", stderr);
  std::exit(1);
}

// Of one round, in nanoseconds of processor time.
template <class Round>
double Time(std::uint64_t rounds, Round round) {
  const auto began = std::clock();
  for (std::uint64_t i = 0; i < rounds; ++i) round(i);
  const double took = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC * 1e9;
  return took / static_cast<double>(rounds);
}

void PublishThree(Dispatcher& dispatcher, std::uint64_t user) {
  dispatcher.Publish(Stored{user});
  dispatcher.Publish(Read{user});
  dispatcher.Publish(Accepted{user});
}

// The three events, each to a listener of its own.
double Deliver(belfry::Run run, bool reads_ids) {
  belfry::ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  std::uint64_t sum = 0;
  std::vector<belfry::Subscription> listeners;
  const auto listen = [&]<class E>() {
    if (reads_ids) {
      listeners.push_back(dispatcher.Subscribe<E>(
          [&](const E& event, belfry::Context& context) {
            sum += event.user + context.envelope().id().sequence +
                   context.envelope().correlation_id().sequence;
          },
          {.run = run}));
    } else {
      listeners.push_back(
          dispatcher.Subscribe<E>([&](const E& event) { sum += event.user; }, {.run = run}));
    }
  };
  listen.operator()<Stored>();
  listen.operator()<Read>();
  listen.operator()<Accepted>();
  const double time = Time(kRounds, [&](std::uint64_t user) {
    PublishThree(dispatcher, user);
    if (run == belfry::Run::kQueued) executor.RunUntilIdle();
  });
  Check(sum != 0);
  return time;
}

template <class Composing>
auto SignUp(Composing composing, std::uint64_t& signed_up) {
  return std::move(composing)
      .template AllOf<Stored, Read, Accepted>()
      .By([](const auto& part) { return part.user; })
      .Emit([&signed_up](const Stored& stored, const Read&, const Accepted&) {
        ++signed_up;
        return SignedUp{stored.user};
      });
}

// The same events as parts; so many are open at any time.
double Compose3(std::uint64_t open, bool timed) {
  belfry::ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  std::uint64_t signed_up = 0;
  auto composer = SignUp(Compose<SignedUp>(dispatcher, {.name = "signup"}), signed_up);
  const Composition composition = timed ? std::move(composer).Within(std::chrono::hours(1)).Start()
                                        : std::move(composer).Start();
  for (std::uint64_t user = 0; user < open; ++user) dispatcher.Publish(Stored{user});
  const double time = Time(kRounds, [&](std::uint64_t user) {
    dispatcher.Publish(Stored{user + open});
    dispatcher.Publish(Read{user});
    dispatcher.Publish(Accepted{user});
  });
  Check(signed_up == kRounds);
  return time;
}

void Million() {
  belfry::ManualExecutor executor;
  belfry::ManualTimers timers;
  belfry::DispatcherOptions options;
  options.executor = &executor;
  options.clock = &timers.clock();
  options.timers = &timers;
  Dispatcher dispatcher(std::move(options));
  std::uint64_t signed_up = 0;
  std::uint64_t timed_out = 0;
  const Composition composition =
      SignUp(Compose<SignedUp>(dispatcher, {.name = "signup", .open_max = kOpen}), signed_up)
          .Within(std::chrono::seconds(5))
          .OnTimeout([&](const belfry::GotParts&, const belfry::MissingParts&) { ++timed_out; })
          .Start();
  const std::size_t before = bench::BytesInUse();
  Print("1000000 open/open", "ns",
        Time(kOpen, [&](std::uint64_t user) { dispatcher.Publish(Stored{user}); }));
  const std::size_t after = bench::BytesInUse();
  Print("1000000 open/memory", "bytes each", static_cast<double>(after - before) / kOpen);
  timers.Advance(std::chrono::seconds(5));
  Print("1000000 open/time-out", "ns", Time(1, [&](std::uint64_t) {
                                         while (timed_out < kOpen) {
                                           executor.RunUntilIdle();
                                           timers.Advance(belfry::Nanoseconds(1));
                                         }
                                       }) / kOpen);
}

}  // namespace

int main() {
  Print("3 events/inline", "ns", Deliver(belfry::Run::kInline, false));
  Print("3 events/inline, with ids", "ns", Deliver(belfry::Run::kInline, true));
  Print("3 events/queued", "ns", Deliver(belfry::Run::kQueued, false));
  Print("3 events/queued, with ids", "ns", Deliver(belfry::Run::kQueued, true));
  Print("3 parts/1 open", "ns", Compose3(0, false));
  Print("3 parts/1 open, timed", "ns", Compose3(0, true));
  Print("3 parts/10000 open", "ns", Compose3(10'000, false));
  Print("3 parts/10000 open, timed", "ns", Compose3(10'000, true));
  Million();
}
