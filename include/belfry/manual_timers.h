// Timers that stand still until they are told to go on: for tests and single-threaded programs.
//
//   belfry::ManualTimers timers;
//   belfry::Dispatcher dispatcher({.synchronous = true, .clock = &timers.clock(),
//                                  .timers = &timers});
//   dispatcher.PublishAfter(std::chrono::minutes(5), DinnerIsCold{});
//   timers.Advance(std::chrono::minutes(5));  // published here, on this thread
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "belfry/clock.h"
#include "belfry/export.h"
#include "belfry/timers.h"

namespace belfry {

// Thread safety: any thread may arm and cancel; one at a time may advance.
// Lifetime: what is not due by its end is never called.
class BELFRY_EXPORT ManualTimers final : public Timers {
 public:
  ManualTimers();
  ~ManualTimers() override;

  TimerId RunAfter(Nanoseconds delay, std::function<void()> due) override;
  bool Cancel(TimerId timer) override;

  // Moves the clock on, from deadline to deadline, and calls on this thread what becomes due, also
  // what is armed meanwhile. Returns how many were called.
  std::size_t Advance(Nanoseconds by);

  // How long until the next one is due; nothing when none is armed.
  std::optional<Nanoseconds> next() const;
  // The time that they go by.
  const Clock& clock() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
