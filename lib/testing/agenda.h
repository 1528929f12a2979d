// What is still to do in a world: deliveries, timers, operations that finish.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "belfry/clock.h"
#include "belfry/event_loop.h"
#include "belfry/executor.h"
#include "belfry/timers.h"
#include "testing/chooser.h"

namespace belfry::testing {

// Time that stands still until it is moved.
class WorldClock final : public Clock {
 public:
  SteadyTime Now() const override { return SteadyTime(SteadyTime::duration(elapsed_)); }
  WallTime WallNow() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(elapsed_));
  }
  Nanoseconds elapsed() const { return elapsed_; }
  void Set(Nanoseconds elapsed) { elapsed_ = elapsed; }

 private:
  Nanoseconds elapsed_{};
};

// The executor and the timers of one world. What is posted is kept in the order in which it came;
// each step runs one piece of it.
//
// Thread safety: one thread.
class Agenda final : public Executor, public Timers {
 public:
  Agenda(WorldClock& clock, Nanoseconds late_by) : clock_(clock), late_by_(late_by) {}
  ~Agenda() override;

  // --- Executor and Timers ---
  using Executor::Post;
  void Post(Runnable& work) override;
  unsigned deliveries_max() const override { return 1; }
  bool may_block() const override { return false; }
  TimerId RunAfter(Nanoseconds delay, std::function<void()> due) override;
  bool Cancel(TimerId timer) override;

  // --- The world's ---
  // Nothing for `latency`: at any time. Returns its number.
  std::uint64_t FinishLater(std::string what, std::optional<Nanoseconds> latency,
                            std::function<void()> finished);
  bool CancelOperation(std::uint64_t number) { return Remove(number, false); }
  // The next delivery to that listener is not ready before `delay` is over; asked for before each.
  using Hold = std::function<Nanoseconds(std::string_view listener)>;
  void SetHold(Hold hold) { hold_ = std::move(hold); }

  // Its turns are steps from now on.
  void SetLoop(EventLoop& loop) { loop_ = &loop; }

  // Runs one of what is ready, or is due by `until`; time moves to then. False when there is none.
  bool Step(Chooser& chooser, Nanoseconds until);
  bool DeliverNext(std::string_view listener);
  std::vector<std::string> waiting() const;

 private:
  struct Work {
    Runnable* runnable;
    std::uint64_t listener;  // 0: nobody's
    std::uint64_t number;
    Nanoseconds since;
    Nanoseconds held_until;
  };
  struct Later {
    Nanoseconds due;
    std::uint64_t number;  // of who has it, and what comes first of equals
    bool timer;
    std::string what;
    std::function<void()> call;
  };

  // Where a candidate is.
  struct Place {
    enum class Kind { kWork, kLater, kTurn };
    Kind kind;
    std::size_t index = 0;
  };
  struct Ready {
    Nanoseconds since;
    std::uint64_t number;
    Place place;
  };

  bool Remove(std::uint64_t number, bool timer);
  void List(Nanoseconds until);
  std::optional<Ready> NextTurn();
  std::optional<Nanoseconds> TurnDue() const;
  Candidate CandidateOf(const Ready& ready) const;
  void Run(std::size_t index);
  void RunWork(std::size_t index);
  void RunLater(std::size_t index);
  void RunTurn();
  Nanoseconds NextAfterNow() const;

  WorldClock& clock_;
  const Nanoseconds late_by_;
  Hold hold_;
  std::uint64_t last_number_ = 0;
  // Of the listeners, in the order in which they first had something to do: their ids differ from
  // one dispatcher to the next.
  absl::flat_hash_map<std::uint64_t, std::uint64_t> listeners_;
  std::vector<Work> work_;
  std::vector<Later> later_;
  EventLoop* loop_ = nullptr;
  std::optional<Ready> turn_;  // of the loop, that has something to do
  // What List has found: candidates, and where they are.
  std::vector<Candidate> candidates_;
  std::vector<Place> places_;
};

}  // namespace belfry::testing
