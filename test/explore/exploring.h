// Explorations as tests.
//
//   TEST(ThreadPoolTest, ...) { ExpectSafe([] { ... EXPLORE_REQUIRE(ran == 2); }); }
//
// In the environment:
//   BELFRY_EXPLORE_REPLAY=12t1.30d1   runs that one schedule only
//   BELFRY_EXPLORE_SECONDS=120        random schedules instead of all within the bounds, for so
//                                     long in all the tests that are selected;
//   BELFRY_EXPLORE_SEED=1             from this seed on, else from one that is printed
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "explore/explorer.h"

namespace belfry::explore {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

// Explores and expects that nothing fails, with smaller bounds under a sanitizer; prints how many
// schedules that took.
void ExpectSafe(const Scenario& scenario, const Bounds& bounds = {});

// Explores and expects a failure whose text contains `what`; then that its replay string brings the
// same one.
void ExpectFailure(const std::string& what, const Scenario& scenario, const Bounds& bounds = {});

}  // namespace belfry::explore
