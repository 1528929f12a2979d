// How an exploration goes from schedule to schedule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"

#include "sync/split_mix.h"
#include "testing/schedule.h"

namespace belfry::testing {

// Which listeners' deliveries, and which operations, may change places, by their names.
class Independence {
 public:
  Independence(const std::vector<std::pair<std::string, std::string>>& pairs,
               const std::vector<std::string>& of_all);
  bool any() const { return !pairs_.empty() || !of_all_.empty(); }
  bool any_pairs() const { return !pairs_.empty(); }
  bool OfAll(const Candidate& candidate) const;
  std::size_t CountChoices(std::span<const Candidate> candidates) const;  // those that are not
  // A number for a name that stands in some pair; 0 for all others.
  std::uint32_t NumberOf(const Candidate& candidate) const;
  bool Between(std::uint32_t a, std::uint32_t b) const { return pairs_.contains({a, b}); }

 private:
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs_;
  std::set<std::string, std::less<>> of_all_;
};

// All schedules with at most so many changes, one run after the other. Of schedules that differ
// only in the order of independent steps one is enough: a step that was tried before sleeps until
// one that depends on it was made (sleep sets: Godefroid, Partial-Order Methods for the
// Verification of Concurrent Systems, 1996). With a bound on changes that would leave out too much,
// so there every order is run. A step that is independent of all others is no choice: it comes when
// it was ready first.
class DepthFirst final : public NotingChooser {
 public:
  static constexpr std::size_t kUnbounded = ~std::size_t{0};
  DepthFirst(const Independence& independence, std::size_t changes_max)
      : independence_(independence), changes_max_(changes_max) {}

  void Begin() override;
  // After a run: whether there is another one to make.
  bool Advance();
  bool redundant() const { return redundant_; }  // the run was
  bool cut() const { return cut_; }              // some were left out for their changes
  // Whether a run went another way than the one before, though it was told to go the same.
  bool astray() const { return astray_; }

 private:
  struct Step {
    std::uint64_t id;
    std::uint32_t name;
  };
  struct Node {
    absl::InlinedVector<Step, 6> steps{};  // a fault's has none
    absl::InlinedVector<Step, 6> asleep{};
    std::uint32_t options;
    std::uint32_t chosen = 0;
  };

  std::size_t Next(std::span<const Candidate> candidates) override;
  bool Fault() override;
  bool Extend(std::span<const Candidate> candidates);
  bool Sleeps(const Node& node, std::uint32_t option) const;
  void WakeFor(Node& node) const;
  std::size_t Follow(std::size_t options);

  const Independence& independence_;
  const std::size_t changes_max_;
  std::vector<Node> path_;
  std::size_t at_ = 0;
  bool redundant_ = false;
  bool cut_ = false;
  bool astray_ = false;
};

// By chance, repeatable by its seed.
class ByChance : public NotingChooser {
 public:
  explicit ByChance(std::uint64_t seed) : random_(seed) {}

 protected:
  SplitMix random_;

 private:
  std::size_t Next(std::span<const Candidate> candidates) override;
  bool Fault() override { return random_.Below(2) == 1; }
};

// Whoever has the highest priority. Priorities are random; at depth - 1 random steps the one that
// would be next gets the lowest.
class ByPriority final : public ByChance {
 public:
  // `steps` is about how long a run is.
  ByPriority(std::uint64_t seed, unsigned depth, std::uint64_t steps);

 private:
  std::size_t Next(std::span<const Candidate> candidates) override;

  std::set<std::uint64_t> changes_;
  std::uint64_t lowered_;  // the next one that is gets this, below all others
  absl::flat_hash_map<std::uint64_t, std::uint64_t> priorities_;
};

}  // namespace belfry::testing
