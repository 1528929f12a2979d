// One thread of a run, as the scheduler sees it.
#pragma once

#include <pthread.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "explore/access.h"
#include "explore/baton.h"
#include "explore/op.h"
#include "explore/store_buffer.h"

namespace belfry::explore {

class Run;

// Thread safety: only the thread whose turn it is touches any of them.
struct ThreadOfRun {
  ThreadOfRun(Run& its_run, unsigned its_number) : run(its_run), number(its_number) {}

  std::uint32_t bit() const { return 1U << number; }

  Run& run;
  const unsigned number;
  Baton baton;
  std::optional<pthread_t> to_join;  // until it has been joined
  bool begun = false;
  bool ending = false;
  bool finished = false;

  // The step before which it stands.
  Op next{};
  std::uint32_t object = 0;  // its object; 0: none
  // Up to its first step nobody can tell whether it runs, so that one is part of its beginning.
  bool first_step = true;

  // Somebody else got its turn although it could have gone on; and whether anything that happened
  // since then conflicts with the step that it stands before.
  bool preempted = false;
  bool conflict = false;

  // In a condition's wait. A mutex is held by nobody then who waits for it again.
  std::uint32_t waits_on = 0;  // the condition
  std::uint64_t wait_number = 0;
  bool notified = false;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  bool timed_out = false;

  std::uint64_t held = 0;                 // bits of the mutexes that it holds
  std::vector<const ThreadOfRun*> joins;  // it waits for all of them
  std::uint32_t outlived = 0;             // bits of those who had ended before its next step

  // It has nothing to do until somebody changes something.
  bool yielded = false;
  bool changed = false;
  std::array<std::uint8_t, kThreadsMax> yields_past{};  // its yields since that thread's last step
  // It looks again and again, and nobody else gets a turn until it does something else.
  bool spins = false;

  StoreBuffer stores;
  // Another thread asks it to bring so many of its stores to memory.
  std::size_t flush = 0;
  ThreadOfRun* flush_for = nullptr;

  std::uint32_t objects_made = 0;
};

}  // namespace belfry::explore
