// The inline listeners that one publish gets, in two words.
#pragma once

#include <cstdint>

namespace belfry {

// `word` has the version of the listener set above, and what kinds of listeners there are below.
struct InlineSet {
  static constexpr std::uint64_t kHasQueued = 1;
  static constexpr std::uint64_t kTakesContext = 2;
  static constexpr std::uint64_t kHasInline = 4;
  static constexpr std::uint64_t kClosed = 8;
  static constexpr std::uint64_t kOrdered = 16;
  static constexpr std::uint64_t kWatched = 32;  // its publishes are intercepted, or observed
  static constexpr std::uint64_t kVersion = 64;

  std::uint64_t word = 0;
  std::uint64_t listeners = 0;  // inline ones

  static std::uint64_t VersionOf(std::uint64_t word) { return word & ~(kVersion - 1); }
  std::uint64_t version() const { return VersionOf(word); }
  bool has_queued() const { return (word & kHasQueued) != 0; }
  bool takes_context() const { return (word & kTakesContext) != 0; }
  // Whether some of the inline ones ask for an order.
  bool ordered() const { return (word & kOrdered) != 0; }
  // Whether an open dispatcher has listeners, all of them inline, that take nothing but the event.
  bool only_plain() const { return (word & (kVersion - 1)) == kHasInline; }
  // The same where some of them ask for an order.
  bool only_plain_in_order() const { return (word & (kVersion - 1)) == (kHasInline | kOrdered); }
};

}  // namespace belfry
