// A timer for tests of the wheel.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "loop/timer_wheel.h"

namespace belfry {

class WheelTimer final : public TimerEntry {
 public:
  explicit WheelTimer(
      TimerWheel& wheel, std::function<void()> due = [] {})
      : TimerEntry(&Call),
        wheel_(wheel),
        due_(std::make_shared<const std::function<void()>>(std::move(due))) {}
  ~WheelTimer() { Cancel(); }

  void Arm(TimerWheel::Tick tick) { wheel_.Arm(*this, tick); }
  void Cancel() { wheel_.Cancel(*this); }
  bool armed() const { return in_wheel(); }

 private:
  static void Call(TimerEntry& timer) {
    const auto due = static_cast<WheelTimer&>(timer).due_;  // it may destroy us
    (*due)();
  }

  TimerWheel& wheel_;
  const std::shared_ptr<const std::function<void()>> due_;
};

}  // namespace belfry
