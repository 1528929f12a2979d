#include "testing/strategies.h"

#include <algorithm>

namespace belfry::testing {

// --- Independence ---

Independence::Independence(const std::vector<std::pair<std::string, std::string>>& pairs,
                           const std::vector<std::string>& of_all)
    : of_all_(of_all.begin(), of_all.end()) {
  const auto number = [&](const std::string& name) {
    return numbers_.try_emplace(name, static_cast<std::uint32_t>(numbers_.size() + 1))
        .first->second;
  };
  for (const auto& [a, b] : pairs) {
    const std::uint32_t one = number(a);
    const std::uint32_t other = number(b);
    pairs_.insert({one, other});
    pairs_.insert({other, one});
  }
}

namespace {

// Whether its name says what it is.
bool IsNamed(const Candidate& candidate) {
  return candidate.kind == Candidate::Kind::kDelivery ||
         candidate.kind == Candidate::Kind::kFinished;
}

}  // namespace

bool Independence::OfAll(const Candidate& candidate) const {
  return !of_all_.empty() && IsNamed(candidate) && of_all_.contains(candidate.name);
}

std::size_t Independence::CountChoices(std::span<const Candidate> candidates) const {
  const auto of_all = std::count_if(candidates.begin(), candidates.end(),
                                    [this](const Candidate& one) { return OfAll(one); });
  return candidates.size() - static_cast<std::size_t>(of_all);
}

std::uint32_t Independence::NumberOf(const Candidate& candidate) const {
  if (numbers_.empty() || !IsNamed(candidate)) return 0;
  const auto found = numbers_.find(candidate.name);
  return found == numbers_.end() ? 0 : found->second;
}

// --- DepthFirst ---

void DepthFirst::Begin() {
  NotingChooser::Begin();
  at_ = 0;
  redundant_ = false;
}

// The choice that was made for this place before, in a run that is to begin alike.
std::size_t DepthFirst::Follow(std::size_t options) {
  const Node& node = path_[at_++];
  if (node.options == options) return node.chosen;
  astray_ = true;
  return 0;
}

bool DepthFirst::Sleeps(const Node& node, std::uint32_t option) const {
  if (node.steps.empty()) return false;
  return std::any_of(node.asleep.begin(), node.asleep.end(),
                     [&](const Step& step) { return step.id == node.steps[option].id; });
}

// What sleeps at a new node: what slept at the one before, or was tried there, and does not depend
// on the step that was made there.
void DepthFirst::WakeFor(Node& node) const {
  if (path_.empty() || !independence_.any() || changes_max_ != kUnbounded) return;
  const Node& before = path_.back();
  node.asleep = before.asleep;
  if (before.steps.empty()) return;  // a fault, inside of a step
  node.asleep.insert(node.asleep.end(), before.steps.begin(), before.steps.begin() + before.chosen);
  const Step& made = before.steps[before.chosen];
  const auto awake = [&](const Step& step) {
    return step.id == made.id || !independence_.Between(step.name, made.name);
  };
  node.asleep.erase(std::remove_if(node.asleep.begin(), node.asleep.end(), awake),
                    node.asleep.end());
}

std::size_t DepthFirst::Next(std::span<const Candidate> candidates) {
  if (redundant_ || independence_.OfAll(candidates.front())) return 0;
  if (at_ == path_.size() && !Extend(candidates)) return 0;
  const Node& node = path_[at_];
  const std::size_t chosen = Follow(independence_.CountChoices(candidates));
  for (std::size_t i = 0; i < candidates.size() && chosen < node.steps.size(); ++i) {
    if (candidates[i].id == node.steps[chosen].id) return i;
  }
  astray_ = true;
  return 0;
}

// False when all that could come next sleeps.
bool DepthFirst::Extend(std::span<const Candidate> candidates) {
  Node node{.options = 0};
  for (const Candidate& candidate : candidates) {
    if (independence_.OfAll(candidate)) continue;
    node.steps.push_back({candidate.id, independence_.NumberOf(candidate)});
    ++node.options;
  }
  WakeFor(node);
  while (node.chosen < node.options && Sleeps(node, node.chosen)) ++node.chosen;
  redundant_ = node.chosen == node.options;
  if (!redundant_) path_.push_back(std::move(node));
  return !redundant_;
}

bool DepthFirst::Fault() {
  if (at_ < path_.size()) return Follow(2) == 1;
  if (redundant_) return false;
  Node node{.options = 2};
  WakeFor(node);
  path_.push_back(std::move(node));
  ++at_;
  return false;
}

bool DepthFirst::Advance() {
  path_.resize(std::min(at_, path_.size()));
  while (!path_.empty()) {
    Node& node = path_.back();
    std::uint32_t next = node.chosen + 1;
    while (next < node.options && Sleeps(node, next)) ++next;
    if (next < node.options) {
      const auto changes = static_cast<std::size_t>(std::count_if(
          path_.begin(), path_.end() - 1, [](const Node& one) { return one.chosen != 0; }));
      if (changes < changes_max_) {
        node.chosen = next;
        return true;
      }
      cut_ = true;
    }
    path_.pop_back();
  }
  return false;
}

// --- By chance ---

std::size_t ByChance::Next(std::span<const Candidate> candidates) {
  return random_.Below(candidates.size());
}

namespace {

constexpr std::uint64_t kAboveLowered = 1'000'000;

}  // namespace

ByPriority::ByPriority(std::uint64_t seed, unsigned depth, std::uint64_t steps)
    : ByChance(seed), lowered_(depth) {
  for (unsigned i = 1; i < depth; ++i) changes_.insert(1 + random_.Below(steps));
}

std::size_t ByPriority::Next(std::span<const Candidate> candidates) {
  const auto highest = [&] {
    std::size_t best = 0;
    std::uint64_t priority = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const auto [found, is_new] = priorities_.try_emplace(candidates[i].id, 0);
      if (is_new) found->second = kAboveLowered + random_.Below(std::uint64_t{1} << 62);
      if (found->second <= priority) continue;
      priority = found->second;
      best = i;
    }
    return best;
  };
  const std::size_t next = highest();
  if (!changes_.contains(steps())) return next;
  priorities_[candidates[next].id] = lowered_--;
  return highest();
}

}  // namespace belfry::testing
