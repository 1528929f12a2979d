#include "dispatch/ranking.h"

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace belfry {
namespace {

// A listener among the others.
struct Node {
  std::vector<std::size_t> earlier;  // those that are to be called before it, and after it
  std::vector<std::size_t> later;
  std::size_t awaited = 0;  // of the earlier ones
};

class Ranker {
 public:
  explicit Ranker(const std::vector<Ranked>& listeners)
      : listeners_(listeners), nodes_(listeners.size()) {}

  Ranking Run() {
    std::multimap<std::string_view, std::size_t> named;
    for (std::size_t i = 0; i < listeners_.size(); ++i) named.emplace(listeners_[i].name, i);
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      if (listeners_[i].order == nullptr) continue;
      for (const std::string& name : listeners_[i].order->before) {
        const auto [begin, end] = named.equal_range(name);
        for (auto other = begin; other != end; ++other) Bind(i, other->second);
      }
      for (const std::string& name : listeners_[i].order->after) {
        const auto [begin, end] = named.equal_range(name);
        for (auto other = begin; other != end; ++other) Bind(other->second, i);
      }
    }
    if (ranking_.complaint.empty()) Sort();
    return std::move(ranking_);
  }

 private:
  // Phase and priority as one value: the lower one goes first.
  using Weight = std::pair<Phase, std::int64_t>;
  Weight WeightOf(std::size_t index) const {
    const ListenerOrder* const order = listeners_[index].order;
    if (order == nullptr) return {Phase::kNormal, 0};
    return {order->phase, -std::int64_t{order->priority}};
  }
  std::string Describe(std::size_t index) const {
    const auto [phase, weight] = WeightOf(index);
    return "\"" + listeners_[index].name + "\" (" + std::string(ToString(phase)) + ", priority " +
           std::to_string(-weight) + ")";
  }

  void Bind(std::size_t earlier, std::size_t later) {
    if (WeightOf(earlier) > WeightOf(later)) {
      if (!ranking_.complaint.empty()) return;
      ranking_.complaint = "before and after contradict phase and priority: " + Describe(earlier) +
                           " is to come before " + Describe(later);
      return;
    }
    nodes_[earlier].later.push_back(later);
    nodes_[later].earlier.push_back(earlier);
    ++nodes_[later].awaited;
  }

  void Sort() {
    std::set<std::pair<Weight, std::size_t>> free;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].awaited == 0) free.emplace(WeightOf(i), i);
    }
    ranking_.order.reserve(nodes_.size());
    while (!free.empty()) {
      const std::size_t next = free.extract(free.begin()).value().second;
      ranking_.order.push_back(next);
      for (const std::size_t later : nodes_[next].later) {
        if (--nodes_[later].awaited == 0) free.emplace(WeightOf(later), later);
      }
    }
    if (ranking_.order.size() < nodes_.size()) ComplainOfCycle();
  }

  // Each of those that are left waits for another one of them: going from one to the one that it
  // waits for leads into a cycle.
  void ComplainOfCycle() {
    std::vector<bool> passed(nodes_.size());
    std::size_t at = nodes_.size() - 1;
    while (nodes_[at].awaited == 0) --at;
    while (!passed[at]) {
      passed[at] = true;
      at = AwaitedBy(at);
    }
    std::string path = listeners_[at].name;
    for (std::size_t i = AwaitedBy(at); i != at; i = AwaitedBy(i)) {
      path.insert(0, listeners_[i].name + " -> ");
    }
    ranking_.complaint = "before and after make a cycle: " + listeners_[at].name + " -> " + path;
  }
  std::size_t AwaitedBy(std::size_t index) const {
    for (const std::size_t earlier : nodes_[index].earlier) {
      if (nodes_[earlier].awaited > 0) return earlier;
    }
    return index;
  }

  const std::vector<Ranked>& listeners_;
  std::vector<Node> nodes_;
  Ranking ranking_;
};

}  // namespace

Ranking Rank(const std::vector<Ranked>& listeners) { return Ranker(listeners).Run(); }

}  // namespace belfry
