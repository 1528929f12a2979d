// What a test expects to have happened.
//
// Users need nothing from this header: the functions of matchers.h make these.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/export.h"
#include "belfry/site.h"
#include "belfry/testing/event_pattern.h"
#include "belfry/testing/world.h"

namespace belfry::testing {

class Claim;

// A matcher for worlds and recorders. When it matches, what it is about counts as expected: the
// world does not complain of it at its end, and NothingElse() leaves it out.
//
// Thread safety: a value; as thread-safe as its inner matchers.
class BELFRY_EXPORT Expectation {
 public:
  using is_gtest_matcher = void;

  explicit Expectation(std::shared_ptr<const Claim> claim) : claim_(std::move(claim)) {}

  bool MatchAndExplain(const World& world, ::testing::MatchResultListener* listener) const;
  bool MatchAndExplain(const Recorder& recorder, ::testing::MatchResultListener* listener) const;
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

  // "" when it matches; else all that can be said: expected and seen, the nearest miss, and what
  // happened.
  std::string Check(const World& world) const;
  std::string Check(const Recorder& recorder) const;

 private:
  std::shared_ptr<const Claim> claim_;
};

// Fails the test at `site`, with the expectation's text alone, when it does not match.
BELFRY_EXPORT void Expect(const World& world, const Expectation& expectation,
                          Site site = Site::Here());
BELFRY_EXPORT void Expect(const Recorder& recorder, const Expectation& expectation,
                          Site site = Site::Here());

// How often.
struct Count {
  std::size_t min = 1;
  std::size_t max = 1;

  static constexpr std::size_t kNoLimit = static_cast<std::size_t>(-1);
  bool Has(std::size_t count) const { return min <= count && count <= max; }
};

class BELFRY_EXPORT PublishedExpectation : public Expectation {
 public:
  PublishedExpectation(EventPattern pattern, Count count);

  PublishedExpectation Times(std::size_t count) const { return {pattern_, {count, count}}; }
  PublishedExpectation AtLeast(std::size_t count) const {
    return {pattern_, {count, Count::kNoLimit}};
  }

  const EventPattern& pattern() const { return pattern_; }
  const Count& count() const { return count_; }

 private:
  EventPattern pattern_;
  Count count_;
};

// What is asked of a delivery that was handled.
struct HandledConditions {
  EventPattern pattern;
  Count count{1, Count::kNoLimit};
  std::optional<std::string> by{};
  std::optional<std::string> after{};
  std::optional<EventPattern> cause{};
};

class BELFRY_EXPORT HandledExpectation : public Expectation {
 public:
  explicit HandledExpectation(HandledConditions conditions);

  // By a listener of that name.
  HandledExpectation By(std::string_view listener) const;
  // It began when that listener had handled the same event, or another one of the same story: with
  // the same correlation id.
  HandledExpectation After(std::string_view listener) const;
  // The event has an event of type C that matches among its causes, directly or not.
  template <class C, class M = decltype(::testing::_)>
  HandledExpectation CausedBy(const M& inner = ::testing::_) const {
    return CausedByPattern(EventPattern::Of<C>(inner));
  }
  // How many such deliveries; without these at least one.
  HandledExpectation Times(std::size_t count) const { return Counted({count, count}); }
  HandledExpectation AtLeast(std::size_t count) const { return Counted({count, Count::kNoLimit}); }

 private:
  HandledExpectation CausedByPattern(EventPattern cause) const;
  HandledExpectation Counted(Count count) const;

  HandledConditions conditions_;
};

}  // namespace belfry::testing
