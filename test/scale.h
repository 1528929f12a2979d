// How much a test does: little when it runs at every change, much when it is to soak.
#pragma once

#include <chrono>
#include <cstdlib>
#include <random>
#include <vector>

namespace belfry {

// Whether the long version was asked for: `./dev soak`.
inline bool Soaking() {
  const char* const value = std::getenv("BELFRY_SOAK");
  return value != nullptr && *value != '\0';
}

template <class T>
T Scaled(T fast, T soak) {
  return Soaking() ? soak : fast;
}

// How long a test goes on that could go on for ever: when it is to soak ten minutes, or as many as
// BELFRY_MINUTES says.
inline std::chrono::milliseconds Length(std::chrono::milliseconds fast) {
  if (!Soaking()) return fast;
  const char* const value = std::getenv("BELFRY_MINUTES");
  const double minutes = value == nullptr ? 10 : std::strtod(value, nullptr);
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(60'000 * minutes));
}

// The seeds of a random test: the same few always, and one that nobody has tried; or only the one
// that BELFRY_SEED names, to see a failure again. A test says its seed with SCOPED_TRACE.
inline std::vector<unsigned> Seeds(unsigned fast, unsigned soak) {
  if (const char* const value = std::getenv("BELFRY_SEED")) {
    return {static_cast<unsigned>(std::strtoul(value, nullptr, 10))};
  }
  std::vector<unsigned> seeds;
  for (unsigned seed = 1; seed < Scaled(fast, soak); ++seed) seeds.push_back(seed);
  seeds.push_back(std::random_device()());
  return seeds;
}

// Sanitizers make code slower, and frames and blocks larger.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace belfry
