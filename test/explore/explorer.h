// Runs a scenario again and again, each time under another schedule.
//
//   const Report report = Explore({}, [] {
//     sync::Atomic<int> ready{0};
//     Together({[&] { ready.store(1); }, [&] { EXPLORE_REQUIRE(ready.load() <= 1); }});
//   });
//
// A scenario starts a few threads (sync::Thread, Together, or those that the library starts), waits
// for their end and checks things. Whatever it does depends on its schedule only: not on time,
// chance, addresses, or what a run before has left behind. Each operation on an explorable object
// (sync/sync.h) is a step; one thread runs at a time, and before each step any other may get its
// turn.
//
// What is modelled: sequential consistency, and what x86 adds to it (TSO): a store that is not
// seq_cst may stay in its thread's store buffer for a while, in order with those behind it, until
// the thread makes a read-modify-write or seq_cst store, takes or leaves a mutex, starts, joins or
// ends a thread, or yields. Conditions wake for no reason, NotifyOne picks any, timed waits time
// out at any moment, and after a notification too. Threads that yield are not run again until
// something has changed; a heavy barrier empties all store buffers; a thread that makes thousands
// of steps while another one could go on gives way to it. Time moves only when a wait ends with it.
// What is not: reorderings beyond TSO, as other processors and compilers do them. For these read
// the code; and ThreadSanitizer sees the program's own order, not the explorer's, so that a build
// with it checks every schedule by the rules of the language. Nor a compare_exchange_weak
// that fails for no reason, nor what does not go through sync::.
//
// A failed requirement, a deadlock, an exception that leaves a thread and too many steps are
// failures. So is, for those who read on, a report of a sanitizer or an abort: the replay string is
// printed then. The threads of a failed run stay where they are for the rest of the process.
//
// Thread safety: one exploration at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "explore/bounds.h"
#include "explore/op.h"

namespace belfry::explore {

using Scenario = std::function<void()>;

struct Report {
  std::uint64_t schedules = 0;  // with at most as many preemptions as the bounds say
  std::uint64_t redundant =
      0;                    // of these: another order of independent steps, found out on the way
  std::uint64_t runs = 0;   // in all: first with fewer preemptions, so that failures are short
  std::uint64_t steps = 0;  // of the longest run
  bool complete = false;
  std::optional<Failure> failure{};
};

// Every schedule within the bounds, those with few preemptions first; ends at the first failure.
Report Explore(const Bounds& bounds, const Scenario& scenario);

// Schedules picked at random, the same for the same `seed`, until the time is over or there are as
// many as the bounds say. As many preemptions, delays, spurious wake-ups and time-outs as it comes,
// but none where the bounds have none.
Report ExploreByChance(const Bounds& bounds, std::uint64_t seed, std::chrono::nanoseconds time,
                       const Scenario& scenario);

// The one schedule of a failure's replay string.
Report Replay(const Bounds& bounds, std::string_view replay, const Scenario& scenario);

// For scenarios: runs each of them on a thread of its own and returns when all have ended. Unlike
// sync::Thread, starting and joining are no steps of their own.
void Together(const std::vector<std::function<void()>>& bodies, Where where = Where::Here());

// Whether some run in this process has failed, and left its threads behind.
bool AnyRunFailed();

// Ends the run as failed. Outside of a run it aborts.
[[noreturn]] void FailRun(const std::string& what, Where where = Where::Here());

}  // namespace belfry::explore

#define EXPLORE_REQUIRE(condition) \
  (static_cast<bool>(condition) ? void(0) : ::belfry::explore::FailRun("required: " #condition))
