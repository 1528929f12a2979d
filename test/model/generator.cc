#include "model/generator.h"

#include <random>
#include <utility>

namespace belfry::model {
namespace {

using Kind = Operation::Kind;
using Policy = Overflow::Policy;

constexpr int kLength = 60;
constexpr int kDepthMax = 3;

class Generator {
 public:
  Generator(unsigned seed, bool synchronous)
      : random_(seed), synchronous_(synchronous), first_type_(Below(kTypes)) {}

  Walk Make() {
    Walk walk;
    for (int slot = 0; slot < 3; ++slot) walk.push_back(MakeSubscribe(slot));
    while (walk.size() < kLength) walk.push_back(MakeOuter());
    Operation end{.kind = Kind::kShutdown};
    end.shutdown = OneIn(2) ? ShutdownMode::kDrain : ShutdownMode::kDiscard;
    walk.push_back(std::move(end));
    return walk;
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool OneIn(int n) { return Below(n) == 0; }
  // Few types in one walk, so that what happens has to do with each other.
  Type AnyType() { return static_cast<Type>(OneIn(4) ? Below(kTypes) : first_type_); }
  Body AnyBody() { return static_cast<Body>(Below(kBodies)); }

  // Kinds by weight.
  Kind Choose(std::initializer_list<std::pair<Kind, int>> weights) {
    int sum = 0;
    for (const auto& [kind, weight] : weights) sum += weight;
    int left = Below(sum);
    for (const auto& [kind, weight] : weights) {
      if (left < weight) return kind;
      left -= weight;
    }
    return Kind::kDrain;
  }

  Operation MakeOuter() {
    return Make(Choose({{Kind::kPublish, 45},
                        {Kind::kPublishLater, 7},
                        {Kind::kCancel, 2},
                        {Kind::kSubscribe, 14},
                        {Kind::kRunOne, synchronous_ ? 0 : 12},
                        {Kind::kRunAll, synchronous_ ? 0 : 3},
                        {Kind::kReset, 3},
                        {Kind::kDetach, 3},
                        {Kind::kReplace, 4},
                        {Kind::kMute, 4},
                        {Kind::kUnmute, 4},
                        {Kind::kBatch, 4},
                        {Kind::kDropOwner, 2},
                        {Kind::kWait, 6},
                        {Kind::kForget, 1},
                        {Kind::kForgetSticky, 1},
                        {Kind::kDrain, 2}}),
                0);
  }
  Operation MakeInner(int depth) {
    return Make(Choose({{Kind::kPublish, 40},
                        {Kind::kPublishLater, 5},
                        {Kind::kCancel, 3},
                        {Kind::kWait, 6},
                        {Kind::kSubscribe, 10},
                        {Kind::kReset, 12},
                        {Kind::kDetach, 10},
                        {Kind::kReplace, 10},
                        {Kind::kMute, 7},
                        {Kind::kUnmute, 5},
                        {Kind::kBatch, 3},
                        {Kind::kDropOwner, 3},
                        {Kind::kForgetSticky, 1},
                        {Kind::kDrain, 1}}),
                depth);
  }

  Operation Make(Kind kind, int depth) {
    if (kind == Kind::kSubscribe) return MakeSubscribe(Below(kSlots));
    Operation operation{.kind = kind, .slot = Below(kSlots)};
    if (kind == Kind::kDropOwner) operation.slot = Below(kOwners);
    if (kind == Kind::kRunOne || kind == Kind::kRunAll) operation.slot = Below(kExecutors);
    if (kind == Kind::kReplace) operation.listener.body = AnyBody();
    if (kind == Kind::kForgetSticky) operation.slot = static_cast<int>(AnyType());
    if (kind == Kind::kWait) operation.time = 1 + Below(3);
    if (kind == Kind::kCancel) operation.slot = Below(kHandles);
    if (kind == Kind::kPublishLater) {
      operation.slot = Below(kHandles);
      operation.time = Below(4);
      operation.at = OneIn(3);
      operation.events.push_back(MakeSmallEvent(depth));
    }
    if (kind == Kind::kPublish) operation.events.push_back(MakeEvent(AnyType(), depth));
    if (kind == Kind::kBatch) {
      operation.commit = !OneIn(4);
      for (int i = Below(4); i >= 0; --i) operation.events.push_back(MakeEvent(AnyType(), depth));
    }
    return operation;
  }

  Operation MakeSubscribe(int slot) {
    Operation operation{.kind = Kind::kSubscribe, .slot = slot};
    ListenerPlan& plan = operation.listener;
    plan.type = AnyType();
    plan.body = AnyBody();
    plan.filtered = OneIn(4);
    plan.once = OneIn(8);
    if (OneIn(5)) plan.owner = Below(kOwners);
    if (OneIn(6)) plan.quarantine = static_cast<unsigned>(1 + Below(3));
    plan.inlined = OneIn(3);
    if (plan.inlined) return operation;
    if (OneIn(2)) plan.executor = Below(kExecutors);
    if (!OneIn(4)) plan.events_max = static_cast<std::size_t>(1 + Below(4));
    if (OneIn(3)) plan.bytes_max = static_cast<std::size_t>(60 + 60 * Below(8));
    plan.overflow = static_cast<Policy>(Below(5));
    plan.keyed = OneIn(3);
    plan.key_throws = plan.keyed && OneIn(3);
    if (OneIn(3)) plan.concurrency = static_cast<unsigned>(1 + Below(3));
    plan.letters = OneIn(4);
    if (!plan.once && OneIn(3)) plan.attempts = static_cast<unsigned>(2 + Below(2));
    // On a synchronous dispatcher keys that hold others back have no order among each other.
    const bool may_be_ordered =
        plan.attempts > 1 && (plan.keyed ? !synchronous_ : plan.concurrency == 1);
    plan.ordered = may_be_ordered && OneIn(2);
    if (OneIn(4)) plan.choice = static_cast<Choice>(Below(kChoices));
    plan.other = AnyType();
    plan.sticky = plan.choice == Choice::kOne && OneIn(3);
    if (OneIn(4)) plan.starvation_max = static_cast<unsigned>(1 + Below(3));
    if (OneIn(3)) plan.deadline = 1 + Below(3);
    return operation;
  }

  EventPlan MakeEvent(Type type, int depth) {
    EventPlan event{.type = type};
    event.way = static_cast<Way>(Below(kWays));
    event.bytes = static_cast<std::size_t>(40 * (1 + Below(4)));
    if (OneIn(2)) event.lane = static_cast<Lane>(Below(3));
    event.sticky = OneIn(5);
    event.key = Below(3);
    event.same = Below(3);
    event.unwanted = OneIn(4);
    event.filter_throws = OneIn(12);
    event.no_key = OneIn(8);
    while (depth < kDepthMax && OneIn(2)) event.reactions.push_back(MakeReaction(depth + 1));
    return event;
  }

  // One that fits into each queue, sooner or later.
  EventPlan MakeSmallEvent(int depth) {
    const Type type = AnyType();
    EventPlan event = MakeEvent(type == Type::kBlock ? Type::kToken : type, depth);
    event.bytes = 40;
    return event;
  }

  Reaction MakeReaction(int depth) {
    Reaction reaction{.slot = Below(kSlots)};
    while (OneIn(2)) reaction.inside.push_back(MakeInner(depth));
    if (OneIn(3)) reaction.end = OneIn(2) ? Reaction::End::kThrows : Reaction::End::kError;
    reaction.failures = 1 + Below(3);
    // What its body may return: letters or tokens.
    while (OneIn(3)) {
      reaction.returned.push_back(MakeEvent(OneIn(2) ? Type::kLetter : Type::kToken, depth));
    }
    return reaction;
  }

  std::mt19937 random_;
  const bool synchronous_;
  const int first_type_;
};

}  // namespace

Walk RandomWalk(unsigned seed, bool synchronous) { return Generator(seed, synchronous).Make(); }

}  // namespace belfry::model
