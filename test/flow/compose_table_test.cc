// Random parts and times on a table of compositions, beside a plain list that does the same.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flow/composition_table.h"
#include "scale.h"

namespace belfry {
namespace {

using std::chrono::seconds;
using Kind = CompositionTable::Offered::Kind;

struct Plain {};

// What the table is to do with different parts of which so many are enough, without its lists.
class ListModel {
 public:
  explicit ListModel(const CompositionRules& rules) : rules_(rules) {}

  // "taken", "duplicate" or "late"; then who was evicted, and whether it is complete.
  std::string Offer(std::uint64_t key, std::size_t part, SteadyTime now) {
    std::erase_if(all_, [&](const One& one) {
      return one.ended && rules_.remember.has_value() && one.since + *rules_.remember <= now;
    });
    auto found = Find(key);
    if (found != all_.end() && found->ended) return "late";
    if (found != all_.end() && found->parts.contains(part)) return "duplicate";
    std::string told = "taken";
    if (found == all_.end()) {
      if (Count(false) == rules_.open_max) {
        const auto oldest =
            std::find_if(all_.begin(), all_.end(), [](auto& one) { return !one.ended; });
        told += ", evicted " + std::to_string(oldest->key);
        End(oldest, now);
      }
      all_.push_back({key, {}, false, now});
      found = std::prev(all_.end());
    }
    found->parts.insert(part);
    if (found->parts.size() == rules_.needed) {
      told += ", complete";
      End(found, now);
    }
    return told;
  }

  std::optional<std::uint64_t> TakeDue(SteadyTime now) {
    for (auto one = all_.begin(); one != all_.end(); ++one) {
      if (one->ended || one->since + rules_.within > now) continue;
      const std::uint64_t key = one->key;
      End(one, now);
      return key;
    }
    return std::nullopt;
  }

 private:
  struct One {
    std::uint64_t key;
    std::set<std::size_t> parts;
    bool ended;
    SteadyTime since;
  };
  using Each = std::vector<One>::iterator;

  Each Find(std::uint64_t key) {
    return std::find_if(all_.begin(), all_.end(), [&](auto& one) { return one.key == key; });
  }
  std::size_t Count(bool ended) const {
    return static_cast<std::size_t>(std::count_if(
        all_.begin(), all_.end(), [&](const One& one) { return one.ended == ended; }));
  }
  void End(Each one, SteadyTime now) {
    One ended{one->key, {}, true, now};
    all_.erase(one);
    if (rules_.remembered_max == 0) return;
    if (Count(true) == rules_.remembered_max) {
      all_.erase(std::find_if(all_.begin(), all_.end(), [](auto& each) { return each.ended; }));
    }
    all_.push_back(std::move(ended));
  }

  const CompositionRules rules_;
  std::vector<One> all_;  // in the order in which they were opened, or have ended
};

std::string Told(const CompositionTable::Offered& offered) {
  switch (offered.kind) {
    case Kind::kLate:
      return "late";
    case Kind::kDuplicate:
      return "duplicate";
    case Kind::kOutOfOrder:
      return "out of order";
    case Kind::kTaken:
      break;
  }
  std::string told = "taken";
  if (offered.evicted.has_value()) told += ", evicted " + ToString(offered.evicted->key);
  if (offered.complete.has_value()) told += ", complete";
  return told;
}

void Walk(const CompositionRules& rules, std::mt19937& random) {
  CompositionTable table(rules);
  ListModel model(rules);
  SteadyTime now{};
  for (int step = 0; step < 2000; ++step) {
    now += seconds(random() % 3);
    if (random() % 4 == 0) {
      const auto due = table.TakeDue(now);
      const auto expected = model.TakeDue(now);
      ASSERT_EQ(due.has_value(), expected.has_value()) << step;
      if (due.has_value()) {
        ASSERT_EQ(ToString(due->ended.key), std::to_string(*expected)) << step;
        ASSERT_EQ(due->kind, CompositionTable::Due::Kind::kTimedOut);
      }
      const auto next = table.NextDeadline();
      ASSERT_EQ(next.has_value(), table.stats().open != 0) << step;
      continue;
    }
    const std::uint64_t key = random() % 12;
    const std::size_t part = random() % rules.parts;
    std::unique_ptr<HeldPart> held = std::make_unique<HeldPartOf<Plain>>(Plain{});
    const auto offered = table.Offer({part, key, {}, {}, now}, held);
    ASSERT_EQ(Told(offered), model.Offer(key, part, now)) << step;
    ASSERT_EQ(held == nullptr, offered.kind == Kind::kTaken) << step;
  }
  while (table.Cancel().has_value()) {
  }
  const CompositionStats s = table.stats();
  EXPECT_EQ(s.open, 0U);
  EXPECT_EQ(s.opened, s.completed + s.timed_out + s.evicted + s.cancelled);
}

TEST(CompositionTableTest, DoesWhatAPlainListDoes) {
  for (const unsigned seed : Seeds(20, 2000)) {
    SCOPED_TRACE("BELFRY_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    CompositionRules rules{.shape = CompositionShape::kEach,
                           .parts = 2 + random() % 3,
                           .needed = 2,
                           .within = seconds(3 + random() % 20),
                           .open_max = 1 + random() % 8,
                           .remember = seconds(1 + random() % 30),
                           .remembered_max = random() % 6};
    if (random() % 2 == 0) rules.remember.reset();
    Walk(rules, random);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace belfry
