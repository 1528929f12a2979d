// Whose turn it is.

#include <algorithm>
#include <string>
#include <utility>

#include "explore/quiet.h"
#include "explore/run.h"

namespace belfry::explore {
namespace {

// How often in a row a thread may yield while another one that could go on does not get its turn.
constexpr unsigned kUnfairYieldsMax = 2;
// How many steps a thread makes in a row while another one could go on: one that waits in a loop
// for what the other one is about to do shall get it. So many are nothing else, as a rule.
constexpr std::uint64_t kTurnMax = 3'000;
// How often threads that have nothing to do may look again before a timed wait ends.
constexpr unsigned kIdleTurnsMax = 100;

// Options for a decision, in place.
class Options {
 public:
  void Add(unsigned option) { options_[count_++] = static_cast<Option>(option); }
  bool empty() const { return count_ == 0; }
  std::span<const Option> all() const { return {options_.data(), count_}; }

 private:
  std::array<Option, kThreadsMax + 1> options_{};
  std::size_t count_ = 0;
};

char TypeOf(OpKind kind) {
  switch (kind) {
    case OpKind::kLock:
    case OpKind::kTryLock:
    case OpKind::kUnlock:
    case OpKind::kWake:
      return 'm';
    case OpKind::kWait:
    case OpKind::kNotify:
      return 'c';
    default:
      return 'a';
  }
}

}  // namespace

bool Run::Enabled(const ThreadOfRun& thread) const {
  if (thread.finished) return false;
  if (!thread.begun) return true;
  switch (thread.next.kind) {
    case OpKind::kLock:
      return objects_[thread.object].owner == nullptr;
    case OpKind::kWake:
      return thread.notified && objects_[thread.object].owner == nullptr;
    case OpKind::kJoin:
      return std::all_of(thread.joins.begin(), thread.joins.end(),
                         [](const ThreadOfRun* joined) { return joined->finished; });
    default:
      return true;
  }
}

// Enabled, and not one that yielded and would see again what it saw before.
bool Run::Eligible(const ThreadOfRun& thread) const {
  if (!Enabled(thread)) return false;
  if (!thread.yielded) return true;
  if (!thread.changed) return false;
  return std::none_of(threads_.begin(), threads_.end(), [&](const auto& other) {
    return thread.yields_past[other->number] > kUnfairYieldsMax && other.get() != &thread &&
           Enabled(*other);
  });
}

// Another thread than `self`; null when there is none.
ThreadOfRun* Run::NextEligible(const ThreadOfRun& self) const {
  for (std::size_t i = 1; i < threads_.size(); ++i) {
    ThreadOfRun& thread = *threads_[(self.number + i) % threads_.size()];
    if (Eligible(thread)) return &thread;
  }
  return nullptr;
}

// Whether nobody can tell if another thread's steps come before or after the next one.
bool Run::Commutes(const ThreadOfRun& self) const {
  switch (self.next.kind) {
    case OpKind::kJoin:
    case OpKind::kYield:
      return true;
    case OpKind::kBarrier:
      return std::all_of(threads_.begin(), threads_.end(),
                         [](const auto& thread) { return thread->stores.empty(); });
    default:
      return false;
  }
}

// The next step of the calling thread, which has come so far. Returns when it is its turn.
// `gives_way`: it waits, or did.
void Run::Step(ThreadOfRun& self, const Op& op, bool gives_way) {
  self.next = op;
  self.object = op.cell == nullptr ? 0 : ObjectOf(*op.cell, TypeOf(op.kind));
  if (op.kind != OpKind::kLoad) self.spins = false;
  if (gives_way) {
    PassTurn(self);
  } else if (!self.first_step || !Enabled(self)) {
    SelectNext(self);
  }
  self.first_step = false;
  Resumed(self);
  if (++step_ > bounds_.steps) {
    Fail("no end after " + std::to_string(bounds_.steps) + " steps\n" + Situation());
  }
  if (self.object != 0) OfferFlush(self, self.object);
  Record(self, op, self.object);
  if (self.object != 0) Touched(self, self.object, op.access());
}

void Run::SelectNext(ThreadOfRun& self) {
  if (!Eligible(self)) {
    PassTurn(self);
    return;
  }
  if (self.spins || (bounds_.reduce && Commutes(self))) return;
  if (step_ - turn_began_ >= kTurnMax) {
    if (ThreadOfRun* const next = NextEligible(self)) {
      HandOver(self, *next);
      return;
    }
  }
  Options options;
  options.Add(self.number);
  for (const auto& other : threads_) {
    if (other.get() != &self && Eligible(*other)) options.Add(other->number);
  }
  const Touch touch = TouchOf(self, self.object, self.next.access());
  const Option chosen = Decide(Question::kThread, options.all(), Cost::kPreemption, touch);
  if (chosen == self.number) return;
  self.preempted = true;
  self.conflict = self.next.kind == OpKind::kBarrier;
  HandOver(self, *threads_[chosen]);
}

void Run::PassTurn(ThreadOfRun& self) {
  ThreadOfRun& next = Another(self);
  if (&next != &self) HandOver(self, next);
}

// Who goes on now that `self` has to wait; itself if it is not so bad after all.
ThreadOfRun& Run::Another(ThreadOfRun& self) {
  Options options;
  for (std::size_t i = 1; i <= threads_.size(); ++i) {
    const ThreadOfRun& thread = *threads_[(self.number + i) % threads_.size()];
    if (Eligible(thread)) options.Add(thread.number);
  }
  if (options.empty()) return WhenStuck(self);
  return *threads_[Decide(Question::kThread, options.all(), Cost::kFree)];
}

// Nobody has anything to do: those who look again and again may, then timed waits end.
ThreadOfRun& Run::WhenStuck(ThreadOfRun& self) {
  ThreadOfRun* looking = nullptr;
  Options timed;
  for (std::size_t i = 1; i <= threads_.size(); ++i) {
    ThreadOfRun& thread = *threads_[(self.number + i) % threads_.size()];
    if (Enabled(thread)) {
      if (looking == nullptr) looking = &thread;
    } else if (thread.waits_on != 0 && thread.deadline.has_value() && !thread.notified &&
               objects_[thread.object].owner == nullptr && bounds_.timeouts != 0) {
      timed.Add(thread.number);
    }
  }
  if (looking != nullptr && (timed.empty() || idle_turns_ < kIdleTurnsMax)) {
    ++idle_turns_;
    return *looking;
  }
  if (timed.empty()) Fail("deadlock\n" + Situation());
  ThreadOfRun& late = *threads_[Decide(Question::kThread, timed.all(), Cost::kFree)];
  late.notified = true;
  late.timed_out = true;
  now_ = std::max(now_, *late.deadline);
  return late;
}

// The calling thread may stay here for ever: whoever comes after a failed run must know, and
// ThreadSanitizer too, that what it did came before.
void Run::LeaveWord() {
  const Heard heard;
  words_.fetch_add(1, std::memory_order_release);
}

void Run::HandOver(ThreadOfRun& self, ThreadOfRun& next) {
  LeaveWord();
  turn_began_ = step_;
  next.baton.Give();
  Await(self);
}

// Until it is this thread's turn. Meanwhile others may have it bring its stores to memory.
void Run::Await(ThreadOfRun& self) {
  for (;;) {
    self.baton.Take();
    if (self.flush_for == nullptr) return;
    Flush(self, self.flush, /*asked=*/true);
    std::exchange(self.flush_for, nullptr)->baton.Give();
  }
}

// It is about to make a step.
void Run::Resumed(ThreadOfRun& self) {
  // Nothing has happened meanwhile that its step has to do with: as well it could have made the
  // step first and been interrupted then.
  if (self.preempted && !self.conflict && bounds_.reduce) strategy_.FindRedundant();
  self.preempted = false;
  self.yielded = false;
  for (const auto& other : threads_) other->yields_past[self.number] = 0;
}

Option Run::Decide(Question question, std::span<const Option> options, Cost cost, Touch touch) {
  if (options.size() == 1) return options.front();
  unsigned& left = left_[static_cast<std::size_t>(cost)];
  if (left == 0) return options.front();
  const int chosen = strategy_.Choose({step_, question, options, touch});
  if (chosen == Strategy::kDoesNotFit) {
    Fail("the scenario is not the same in every run, or the replay string is of another one");
  }
  const auto option = static_cast<Option>(chosen);
  if (option != options.front()) {
    if (left != kUnlimited) --left;
    choices_.push_back({step_, question, option});
  }
  return option;
}

// What each thread waits for.
std::string Run::Situation() const {
  std::string text;
  for (const auto& thread : threads_) {
    if (thread->finished) continue;
    text += "  T" + std::to_string(thread->number);
    if (!thread->begun) {
      text += " has not begun\n";
      continue;
    }
    text += Enabled(*thread) ? " is about to " : " waits to ";
    text += thread->next.name;
    const std::uint32_t object =
        thread->waits_on != 0 && !thread->notified ? thread->waits_on : thread->object;
    if (object != 0) text += " " + ToString(objects_[object].name);
    if (object != 0 && objects_[object].owner != nullptr) {
      text += ", held by T" + std::to_string(objects_[object].owner->number);
    }
    for (const ThreadOfRun* joined : thread->joins) {
      if (!joined->finished) text += " T" + std::to_string(joined->number);
    }
    text += " (" + ToString(thread->next.where) + ")\n";
  }
  return text;
}

}  // namespace belfry::explore
