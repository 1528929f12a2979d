// What time it is in a walk, and what is to happen later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "belfry/clock.h"

namespace belfry::model {

struct Timer {
  int listener = 0;  // which is to try again; 0: the event is to be published
  int event = 0;
};

class Agenda {
 public:
  Nanoseconds now() const { return now_; }
  bool waiting() const { return wait_until_.has_value(); }
  void BeginWait(Nanoseconds time) { wait_until_ = now_ + time; }
  void EndWait() {
    now_ = *wait_until_;
    wait_until_.reset();
  }

  void Add(Nanoseconds delay, Timer timer) { timers_.emplace(now_ + delay, timer); }
  // What is due next before the end of the wait, and it is that time now.
  std::optional<Timer> TakeDue() {
    if (!waiting() || timers_.empty() || timers_.begin()->first > *wait_until_) return {};
    const auto [time, timer] = *timers_.begin();
    timers_.erase(timers_.begin());
    now_ = time;
    return timer;
  }

  // Events that are to be published.
  std::uint64_t events() const {
    std::uint64_t events = 0;
    for (const auto& [time, timer] : timers_) events += timer.listener == 0 ? 1 : 0;
    return events;
  }
  bool has(int event) const {
    for (const auto& [time, timer] : timers_) {
      if (timer.listener == 0 && timer.event == event) return true;
    }
    return false;
  }
  // Whether `cancels` it.
  template <class Cancels>
  void Cancel(Cancels cancels) {
    std::erase_if(timers_, [&](const auto& timer) { return cancels(timer.second); });
  }

 private:
  Nanoseconds now_{};
  std::optional<Nanoseconds> wait_until_;
  std::multimap<Nanoseconds, Timer> timers_;  // equal ones in the order in which they were added
};

}  // namespace belfry::model
