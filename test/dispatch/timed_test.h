// A dispatcher whose time stands still until the test moves it.
#pragma once

#include <functional>

#include "belfry/manual_timers.h"
#include "dispatch/mode_test.h"

namespace belfry {

class TimedTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    MakeTimed();
  }

  void MakeTimed(const std::function<void(DispatcherOptions&)>& change = [](DispatcherOptions&) {
  }) {
    Make([&](DispatcherOptions& options) {
      options.timers = &timers;
      options.clock = &timers.clock();
      change(options);
    });
  }

  ManualTimers timers;
};

}  // namespace belfry
