// Every way to run: a test of a promise runs in each mode in which the promise applies.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace belfry {

enum class Mode { kSynchronous, kInline, kManual, kPool1, kPool4 };

inline std::string ModeName(Mode mode) {
  switch (mode) {
    case Mode::kSynchronous:
      return "Synchronous";
    case Mode::kInline:
      return "Inline";
    case Mode::kManual:
      return "Manual";
    case Mode::kPool1:
      return "Pool1";
    case Mode::kPool4:
      return "Pool4";
  }
  return "?";
}

inline std::string ModeTestName(const testing::TestParamInfo<Mode>& info) {
  return ModeName(info.param);
}

#define BELFRY_IN_EVERY_MODE(Fixture)                                                        \
  INSTANTIATE_TEST_SUITE_P(Modes, Fixture,                                                   \
                           testing::Values(Mode::kSynchronous, Mode::kInline, Mode::kManual, \
                                           Mode::kPool1, Mode::kPool4),                      \
                           ModeTestName)

// Where listeners have a queue that somebody else empties.
#define BELFRY_IN_QUEUED_MODES(Fixture) \
  INSTANTIATE_TEST_SUITE_P(             \
      Modes, Fixture, testing::Values(Mode::kManual, Mode::kPool1, Mode::kPool4), ModeTestName)

// Where listeners run on threads of their own.
#define BELFRY_IN_POOL_MODES(Fixture)                                                   \
  INSTANTIATE_TEST_SUITE_P(Modes, Fixture, testing::Values(Mode::kPool1, Mode::kPool4), \
                           ModeTestName)

}  // namespace belfry
