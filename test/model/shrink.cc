// How a walk that fails is cut down: first operations in ever smaller pieces, then what happens
// inside of those that are left, then what is unusual about them.

#include <algorithm>
#include <iterator>
#include <utility>

#include "model/generator.h"

namespace belfry::model {
namespace {

class Shrinker {
 public:
  Shrinker(Walk walk, const std::function<bool(const Walk&)>& fails, int tries)
      : walk_(std::move(walk)), fails_(fails), tries_(tries) {}

  Walk Shrink() {
    for (bool smaller = true; smaller && tries_ > 0;) {
      smaller = Cut(walk_);
      smaller = Inside(walk_) || smaller;
      smaller = Plainer(walk_) || smaller;
    }
    return walk_;
  }

 private:
  bool Fails() { return tries_-- > 0 && fails_(walk_); }

  // Leaves out elements of a vector that is part of the walk.
  template <class T>
  bool Cut(std::vector<T>& all) {
    bool smaller = false;
    for (std::size_t piece = std::max<std::size_t>(1, all.size() / 2); piece > 0; piece /= 2) {
      for (std::size_t at = 0; at < all.size();) {
        const std::vector<T> before = all;
        const auto from = std::next(all.begin(), static_cast<std::ptrdiff_t>(at));
        all.erase(from,
                  std::next(from, static_cast<std::ptrdiff_t>(std::min(piece, all.size() - at))));
        if (Fails()) {
          smaller = true;
        } else {
          all = before;
          at += piece;
        }
      }
    }
    return smaller;
  }

  bool Inside(Walk& walk) {
    bool smaller = false;
    for (Operation& operation : walk) {
      if (operation.kind == Operation::Kind::kBatch) smaller = Cut(operation.events) || smaller;
      smaller = Inside(operation.events) || smaller;
      smaller = Usual(operation.time, 1) || smaller;
      smaller = Usual(operation.at, false) || smaller;
    }
    return smaller;
  }
  bool Inside(std::vector<EventPlan>& events) {
    bool smaller = false;
    for (EventPlan& event : events) {
      smaller = Cut(event.reactions) || smaller;
      for (Reaction& reaction : event.reactions) {
        smaller = Cut(reaction.inside) || smaller;
        smaller = Cut(reaction.returned) || smaller;
        smaller = Inside(reaction.inside) || smaller;
        smaller = Inside(reaction.returned) || smaller;
        smaller = Usual(reaction.end, Reaction::End::kUsual) || smaller;
        smaller = Usual(reaction.failures, 1) || smaller;
      }
    }
    return smaller;
  }

  template <class T>
  bool Usual(T& option, T usual) {
    if (option == usual) return false;
    const T before = std::exchange(option, usual);
    if (Fails()) return true;
    option = before;
    return false;
  }

  bool Plainer(Walk& walk) {
    bool plainer = false;
    for (Operation& operation : walk) {
      const ListenerPlan usual;
      ListenerPlan& plan = operation.listener;
      plainer = Usual(plan.body, usual.body) || plainer;
      plainer = Usual(plan.inlined, usual.inlined) || plainer;
      plainer = Usual(plan.executor, usual.executor) || plainer;
      plainer = Usual(plan.events_max, usual.events_max) || plainer;
      plainer = Usual(plan.bytes_max, usual.bytes_max) || plainer;
      plainer = Usual(plan.overflow, usual.overflow) || plainer;
      plainer = Usual(plan.key_throws, usual.key_throws) || plainer;
      plainer = Usual(plan.keyed, usual.keyed) || plainer;
      plainer = Usual(plan.ordered, usual.ordered) || plainer;
      plainer = Usual(plan.attempts, usual.attempts) || plainer;
      plainer = Usual(plan.letters, usual.letters) || plainer;
      plainer = Usual(plan.quarantine, usual.quarantine) || plainer;
      plainer = Usual(plan.starvation_max, usual.starvation_max) || plainer;
      plainer = Usual(plan.choice, usual.choice) || plainer;
      plainer = Usual(plan.sticky, usual.sticky) || plainer;
      plainer = Usual(plan.deadline, usual.deadline) || plainer;
      plainer = Usual(plan.concurrency, usual.concurrency) || plainer;
      plainer = Usual(plan.filtered, usual.filtered) || plainer;
      plainer = Usual(plan.once, usual.once) || plainer;
      plainer = Usual(plan.owner, usual.owner) || plainer;
      plainer = Plainer(operation.events) || plainer;
    }
    return plainer;
  }
  bool Plainer(std::vector<EventPlan>& events) {
    bool plainer = false;
    for (EventPlan& event : events) {
      const EventPlan usual;
      plainer = Usual(event.way, usual.way) || plainer;
      plainer = Usual(event.bytes, usual.bytes) || plainer;
      plainer = Usual(event.lane, usual.lane) || plainer;
      plainer = Usual(event.sticky, usual.sticky) || plainer;
      plainer = Usual(event.key, usual.key) || plainer;
      plainer = Usual(event.same, usual.same) || plainer;
      plainer = Usual(event.unwanted, usual.unwanted) || plainer;
      plainer = Usual(event.filter_throws, usual.filter_throws) || plainer;
      plainer = Usual(event.no_key, usual.no_key) || plainer;
      for (Reaction& reaction : event.reactions) {
        plainer = Plainer(reaction.inside) || plainer;
        plainer = Plainer(reaction.returned) || plainer;
      }
    }
    return plainer;
  }

  Walk walk_;
  const std::function<bool(const Walk&)>& fails_;
  int tries_;
};

}  // namespace

Walk Shrunk(Walk walk, const std::function<bool(const Walk&)>& fails, int tries) {
  return Shrinker(std::move(walk), fails, tries).Shrink();
}

}  // namespace belfry::model
