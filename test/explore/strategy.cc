#include "explore/strategy.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace belfry::explore {

// --- DepthFirst ---

int DepthFirst::Choose(const Decision& decision) {
  if (at_ < path_.size()) {
    const Node& node = path_[at_++];
    const bool same = node.step == decision.step && node.question == decision.question &&
                      std::equal(decision.options.begin(), decision.options.end(), node.options,
                                 node.options + node.count);
    return same ? node.options[node.chosen] : kDoesNotFit;
  }
  if (redundant_) return decision.options.front();
  const auto count = static_cast<Option>(decision.options.size());
  Node node{decision.step,  decision.question,         count, 0, {},
            decision.touch, decision.touch.object == 0};
  if (decision.options.size() > kOptionsMax) return kDoesNotFit;
  std::copy(decision.options.begin(), decision.options.end(), node.options);
  path_.push_back(node);
  ++at_;
  return node.options[0];
}

void DepthFirst::Learn(std::span<const TouchAt> touches, std::size_t objects) {
  std::vector<Touches> later(objects);
  for (auto node = path_.rbegin(); node != path_.rend(); ++node) {
    for (; !touches.empty() && touches.back().step > node->step;
         touches = touches.first(touches.size() - 1)) {
      later[touches.back().touch.object].Add(touches.back().touch);
    }
    node->matters = node->matters || later[node->touch.object].ConflictWith(node->touch);
  }
}

bool DepthFirst::Next() {
  if (redundant_) ++redundant_runs_;
  redundant_ = false;
  at_ = 0;
  while (!path_.empty()) {
    Node& node = path_.back();
    if (node.matters && node.chosen + 1 < node.count) {
      ++node.chosen;
      return true;
    }
    path_.pop_back();
  }
  return false;
}

// --- ByChance ---

ByChance::ByChance(std::uint64_t seed, std::uint64_t steps)
    : random_(seed), by_priority_(seed % 2 == 0) {
  for (std::uint64_t& change : changes_) change = random_.Below(steps + 1);
  // Distinct: a random order. Lowered ones go below all of these.
  for (int i = 0; i < static_cast<int>(kThreadsMax); ++i) {
    const auto other = static_cast<int>(random_.Below(static_cast<std::uint64_t>(i) + 1));
    priorities_[i] = priorities_[other];
    priorities_[other] = i + 1;
  }
}

Option ByChance::ByPriority(const Decision& decision) {
  if (std::find(changes_, changes_ + kChanges, decision.step) != changes_ + kChanges) {
    priorities_[decision.options.front()] = --lowered_;
  }
  return *std::max_element(decision.options.begin(), decision.options.end(),
                           [&](Option a, Option b) { return priorities_[a] < priorities_[b]; });
}

int ByChance::Choose(const Decision& decision) {
  const auto any = [&] { return decision.options[random_.Below(decision.options.size())]; };
  const auto seldom = [&](std::uint64_t once_in) {
    return random_.Below(once_in) == 0 ? any() : decision.options.front();
  };
  switch (decision.question) {
    case Question::kThread:
      return by_priority_ ? ByPriority(decision) : seldom(4);
    case Question::kDelay:
      return any();
    case Question::kFlush:
      return seldom(4);
    case Question::kWaiter:
      return any();
    case Question::kSpurious:
    case Question::kTimeout:
      return seldom(8);
  }
  return decision.options.front();
}

// --- Replayed ---

Replayed::Replayed(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (understood_ && at != end) {
    Choice choice{};
    const auto step = std::from_chars(at, end, choice.step);
    understood_ =
        step.ec == std::errc() && step.ptr != end && std::strchr("tdfnwo", *step.ptr) != nullptr;
    if (!understood_) return;
    choice.question = static_cast<Question>(*step.ptr);
    const auto option = std::from_chars(step.ptr + 1, end, choice.option);
    understood_ = option.ec == std::errc() && (option.ptr == end || *option.ptr == '.');
    choices_.push_back(choice);
    at = option.ptr == end ? end : option.ptr + 1;
  }
}

int Replayed::Choose(const Decision& decision) {
  if (at_ == choices_.size()) return decision.options.front();
  const Choice& next = choices_[at_];
  if (next.step < decision.step) return kDoesNotFit;
  const bool fits = next.step == decision.step && next.question == decision.question &&
                    std::count(decision.options.begin(), decision.options.end(), next.option) > 0;
  if (!fits) return decision.options.front();
  ++at_;
  return next.option;
}

std::string ReplayText(std::span<const Choice> choices) {
  std::string text;
  for (const Choice& choice : choices) {
    if (!text.empty()) text += '.';
    text += std::to_string(choice.step);
    text += static_cast<char>(choice.question);
    text += std::to_string(choice.option);
  }
  return text;
}

}  // namespace belfry::explore
