// Who must be called by a loop, and when, as event_loop.h says it: in plain containers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "belfry/clock.h"
#include "belfry/watch.h"

namespace belfry {

// It calls nobody. It is told what is done to the loop, and of every call of the loop when it
// begins, and writes down the first one that should not be, or is missing.
class LoopModel {
 public:
  using Name = std::uint64_t;  // of a watch, a timer, a piece of work; never used again
  static constexpr std::size_t kPairs = 6;

  // What the watched end of a pair of sockets has to say. It is always writable.
  struct Pair {
    std::size_t unread = 0;
    bool peer_gone = false;
  };
  std::array<Pair, kPairs> pairs{};

  void Watched(Name watch, std::size_t pair, Interest interest);
  void InterestSet(Name watch, Interest interest);
  void Unwatched(Name watch) { watches_.erase(watch); }
  bool IsWatch(Name watch) const { return watches_.contains(watch); }
  bool IsTimer(Name timer) const { return timers_.contains(timer); }

  void TimeMoved(Nanoseconds by) { now_ += by; }
  void Armed(Name timer, Nanoseconds delay, Nanoseconds period, std::uint64_t repetitions);
  bool Cancelled(Name timer);  // whether it was armed
  void Posted(Name work) { posted_.push_back(work); }
  void PutOff(Name work) { put_off_.push_back(work); }

  void TurnBegins();
  void TurnEnds();
  void TurnThrew();  // and is over; the rest waits for the next one
  void WatchCalled(Name watch, Readiness readiness);
  void TimerCalled(Name timer);
  void WorkCalled(Name work);
  void PutOffCalled(Name work);

  std::size_t watches() const { return watches_.size(); }
  std::size_t timers() const { return timers_.size(); }
  std::size_t posted() const { return share_.size() + posted_.size(); }
  std::size_t put_off() const { return ending_.size() + put_off_.size(); }

  const std::string& wrong() const { return wrong_; }  // "": nothing is
  void Wrong(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }

 private:
  // The parts of a turn, in their order.
  enum class Part { kBetween, kBefore, kReady, kTimers, kPosted, kEnd };

  struct Watch {
    std::size_t pair;
    Interest wanted;
    bool changed = false;                // since readinesses were fetched
    bool told_of_hang_up = false;        // though it wanted nothing
    std::optional<Readiness> fetched{};  // and not called yet
  };
  // By tick, then by when it was armed.
  using Place = std::pair<std::uint64_t, std::uint64_t>;
  struct Timer {
    Place place;
    std::uint64_t armed_in_run;  // 0: none
    Nanoseconds deadline;
    Nanoseconds period;
    std::uint64_t repetitions;
  };

  void GoTo(Part part);
  void Leave();
  void Enter();
  void Fetch();
  void CheckCalledReady();
  std::map<Place, Name>::iterator NextDue();
  void Arm(Name name, Timer timer, std::uint64_t tick);

  Part part_ = Part::kBetween;
  std::string wrong_;

  std::map<Name, Watch> watches_;

  Nanoseconds now_{};
  std::uint64_t runs_ = 0;   // of timers
  std::uint64_t armed_ = 0;  // so far
  std::map<Name, Timer> timers_;
  std::map<Place, Name> due_;

  std::deque<Name> posted_;
  std::deque<Name> share_;      // taken from posted_
  std::size_t share_left_ = 0;  // of this turn
  std::deque<Name> put_off_;
  std::deque<Name> ending_;
};

}  // namespace belfry
