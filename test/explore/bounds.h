// How far an exploration goes, and how a run failed.
#pragma once

#include <cstdint>
#include <string>

namespace belfry::explore {

inline constexpr unsigned kUnlimited = ~0U;

// "In one run" where nothing else is said.
struct Bounds {
  unsigned preemptions = 2;  // turns taken from threads that could have gone on
  unsigned delays = 1;       // stores that stay in a store buffer for a while, not counting those
                             // behind them; 0: sequential consistency
  unsigned spurious = 1;     // waits that end without a reason
  unsigned timeouts = 1;     // timed waits, and loops that pause, that end though somebody could
                             // go on; 0: and no wait ends with its time, only with its reason
  std::uint64_t steps = 20'000;         // more: it never ends
  std::uint64_t schedules = 1'000'000;  // in all runs: the exploration is incomplete then
  // Leaves out what only reorders independent steps. Without it every order is counted.
  bool reduce = true;
};

struct Failure {
  std::string what;
  std::string replay;
  std::string trace;  // the last steps
};

}  // namespace belfry::explore
