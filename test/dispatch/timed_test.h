// A dispatcher whose time stands still until the test moves it.
#pragma once

#include "belfry/manual_timers.h"
#include "dispatch/mode_test.h"

namespace belfry {

class TimedTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    Make([this](DispatcherOptions& options) {
      options.timers = &timers;
      options.clock = &timers.clock();
    });
  }

  ManualTimers timers;
};

}  // namespace belfry
