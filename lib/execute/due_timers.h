// Timers in order of their deadlines, for owners that have a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "belfry/clock.h"
#include "belfry/timer_queue.h"

namespace belfry {

// Unlike a TimerQueue it calls nothing, allocates nothing and frees nothing: what goes in is made
// before, and what comes out is called and destroyed later, under no lock.
//
// Thread safety: none; its owner's lock.
class DueTimers {
 private:
  using Key = std::pair<SteadyTime, std::uint64_t>;
  using Waiting = std::map<Key, std::function<void()>>;
  using Deadlines = std::map<std::uint64_t, SteadyTime>;

 public:
  // One timer outside of the queue, or none.
  class Timer {
   public:
    Timer() = default;
    // Throws std::bad_alloc.
    explicit Timer(std::function<void()> due) {
      Waiting waiting;
      waiting.emplace(Key{}, std::move(due));
      Deadlines deadlines;
      deadlines.emplace(0, SteadyTime{});
      waiting_ = waiting.extract(waiting.begin());
      deadline_ = deadlines.extract(deadlines.begin());
    }
    explicit operator bool() const { return !waiting_.empty(); }
    void Call() { waiting_.mapped()(); }

   private:
    friend class DueTimers;
    Waiting::node_type waiting_;
    Deadlines::node_type deadline_;
  };

  TimerId Insert(Timer timer, SteadyTime deadline) {
    const TimerId id{++last_number_};
    timer.waiting_.key() = {deadline, id.number};
    timer.deadline_.key() = id.number;
    timer.deadline_.mapped() = deadline;
    waiting_.insert(std::move(timer.waiting_));
    deadlines_.insert(std::move(timer.deadline_));
    return id;
  }
  // None when it is not there any more.
  Timer Take(TimerId id) {
    const auto found = deadlines_.find(id.number);
    return found == deadlines_.end() ? Timer() : Extract(found);
  }
  // The first one, if it is due at `now`.
  Timer TakeDue(SteadyTime now) {
    if (waiting_.empty() || waiting_.begin()->first.first > now) return {};
    return Extract(deadlines_.find(waiting_.begin()->first.second));
  }
  std::optional<SteadyTime> NextDeadline() const {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.begin()->first.first;
  }

 private:
  Timer Extract(Deadlines::iterator found) {
    Timer timer;
    timer.waiting_ = waiting_.extract(Key{found->second, found->first});
    timer.deadline_ = deadlines_.extract(found);
    return timer;
  }

  Waiting waiting_;
  Deadlines deadlines_;
  std::uint64_t last_number_ = 0;
};

}  // namespace belfry
