#include "testing/agenda.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "belfry/envelope.h"
#include "belfry/testing/duration.h"

namespace belfry::testing {
namespace {

constexpr Nanoseconds kNever = Nanoseconds::max();
constexpr std::string_view kTurn = "a turn of the loop";
constexpr std::uint64_t kOwnNumbers = std::uint64_t{1} << 63;  // above the listeners'

// What is due so much later; kNever where that is out of reach.
Nanoseconds Sum(Nanoseconds time, Nanoseconds delay) {
  if (delay <= Nanoseconds::zero()) return time;
  return delay > kNever - time ? kNever : time + delay;
}

}  // namespace

// As executors do. What is due later never is.
Agenda::~Agenda() {
  while (!work_.empty()) RunWork(0);
}

// --- Coming ---

void Agenda::Post(Runnable& work) {
  const Nanoseconds now = clock_.elapsed();
  const Runnable::Owner owner = work.owner();
  const Nanoseconds held = owner.id == 0 || !hold_ ? Nanoseconds::zero() : hold_(owner.name);
  std::uint64_t listener = 0;
  if (owner.id != 0)
    listener = listeners_.try_emplace(owner.id, listeners_.size() + 1).first->second;
  work_.push_back({&work, listener, ++last_number_, now, Sum(now, held)});
}

TimerId Agenda::RunAfter(Nanoseconds delay, std::function<void()> due) {
  later_.push_back({Sum(clock_.elapsed(), delay), ++last_number_, true, "a timer", std::move(due)});
  return {last_number_};
}

bool Agenda::Cancel(TimerId timer) { return Remove(timer.number, true); }

std::uint64_t Agenda::FinishLater(std::string what, std::optional<Nanoseconds> latency,
                                  std::function<void()> finished) {
  const Nanoseconds due = Sum(clock_.elapsed(), latency.value_or(Nanoseconds::zero()));
  later_.push_back({due, ++last_number_, false, std::move(what), std::move(finished)});
  return last_number_;
}

bool Agenda::Remove(std::uint64_t number, bool timer) {
  const auto found = std::find_if(later_.begin(), later_.end(), [&](const Later& later) {
    return later.number == number && later.timer == timer;
  });
  if (found == later_.end()) return false;
  const std::function<void()> cancelled = std::move(found->call);  // goes when all is in order
  later_.erase(found);
  return true;
}

// --- Going ---

// Those who may come next, the one that was ready first in front: of each listener one delivery; of
// timers, which have an order, the first one; all operations that are due. One that is due by
// `until` though others are ready comes last.
void Agenda::List(Nanoseconds until) {
  const Nanoseconds now = clock_.elapsed();
  std::vector<Ready> ready;
  Nanoseconds oldest = kNever;
  for (std::size_t i = 0; i < work_.size(); ++i) {
    const Work& work = work_[i];
    if (work.held_until > now) continue;
    const Nanoseconds since = std::max(work.since, work.held_until);
    oldest = std::min(oldest, since);
    ready.push_back({since, work.number, {Place::Kind::kWork, i}});
  }
  const Later* first_timer = nullptr;
  for (const Later& later : later_) {
    if (later.timer && (first_timer == nullptr || later.due < first_timer->due)) {
      first_timer = &later;
    }
  }
  const Nanoseconds late = std::min(until, oldest == kNever ? now : Sum(oldest, late_by_));
  for (std::size_t i = 0; i < later_.size(); ++i) {
    const Later& later = later_[i];
    if (later.timer && &later != first_timer) continue;
    if (later.due > std::max(now, late)) continue;
    ready.push_back({later.due, later.number, {Place::Kind::kLater, i}});
  }
  const std::optional<Ready> turn = NextTurn();
  if (turn && turn->since <= std::max(now, late)) ready.push_back(*turn);
  std::sort(ready.begin(), ready.end(), [](const Ready& a, const Ready& b) {
    return a.since != b.since ? a.since < b.since : a.number < b.number;
  });
  candidates_.clear();
  places_.clear();
  for (const Ready& one : ready) {
    const Candidate candidate = CandidateOf(one);
    const bool listed =
        std::any_of(candidates_.begin(), candidates_.end(),
                    [&](const Candidate& other) { return other.id == candidate.id; });
    if (listed) continue;
    candidates_.push_back(candidate);
    places_.push_back(one.place);
  }
}

Candidate Agenda::CandidateOf(const Ready& ready) const {
  switch (ready.place.kind) {
    case Place::Kind::kWork: {
      const Work& work = work_[ready.place.index];
      const std::string_view name = work.runnable->owner().name;
      if (work.listener != 0) return {Candidate::Kind::kDelivery, work.listener, name};
      return {Candidate::Kind::kWork, kOwnNumbers + ready.number, name};
    }
    case Place::Kind::kLater: {
      const Later& later = later_[ready.place.index];
      return {later.timer ? Candidate::Kind::kTimer : Candidate::Kind::kFinished,
              kOwnNumbers + ready.number, later.what};
    }
    case Place::Kind::kTurn:
      break;
  }
  return {Candidate::Kind::kWork, kOwnNumbers, kTurn};
}

// When the loop has something to do, and since when that is known.
std::optional<Agenda::Ready> Agenda::NextTurn() {
  const std::optional<Nanoseconds> due = TurnDue();
  if (!due) {
    turn_ = std::nullopt;
  } else if (!turn_ || std::max(turn_->since, *due) > clock_.elapsed()) {
    turn_ = Ready{*due, ++last_number_, {Place::Kind::kTurn}};
  }
  return turn_;
}

std::optional<Nanoseconds> Agenda::TurnDue() const {
  if (loop_ == nullptr) return std::nullopt;
  const std::optional<SteadyTime> due = loop_->next_due();
  return due ? std::optional(due->time_since_epoch()) : std::nullopt;
}

bool Agenda::Step(Chooser& chooser, Nanoseconds until) {
  List(until);
  while (candidates_.empty()) {
    const Nanoseconds next = NextAfterNow();
    if (next > until) return false;
    clock_.Set(next);
    List(until);
  }
  Run(chooser.ChooseNext(candidates_));
  return true;
}

// When something will be ready that is not.
Nanoseconds Agenda::NextAfterNow() const {
  Nanoseconds next = kNever;
  for (const Work& work : work_) next = std::min(next, work.held_until);
  for (const Later& later : later_) next = std::min(next, later.due);
  return std::min(next, TurnDue().value_or(kNever));
}

bool Agenda::DeliverNext(std::string_view listener) {
  List(clock_.elapsed());
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].kind != Candidate::Kind::kDelivery || candidates_[i].name != listener) {
      continue;
    }
    Run(i);
    return true;
  }
  return false;
}

void Agenda::Run(std::size_t index) {
  const Place place = places_[index];
  switch (place.kind) {
    case Place::Kind::kWork:
      return RunWork(place.index);
    case Place::Kind::kLater:
      return RunLater(place.index);
    case Place::Kind::kTurn:
      return RunTurn();
  }
}

void Agenda::RunWork(std::size_t index) {
  Runnable& work = *work_[index].runnable;
  work_.erase(work_.begin() + static_cast<std::ptrdiff_t>(index));
  const ExecutorScope scope(*this);
  work.Run();
}

void Agenda::RunLater(std::size_t index) {
  const Later later = std::move(later_[index]);
  later_.erase(later_.begin() + static_cast<std::ptrdiff_t>(index));
  if (later.due > clock_.elapsed()) clock_.Set(later.due);
  later.call();
}

void Agenda::RunTurn() {
  const Nanoseconds due = turn_->since;
  turn_ = std::nullopt;
  if (due > clock_.elapsed()) clock_.Set(due);
  loop_->RunOnce();
}

namespace {

std::string WithTime(std::string what, Nanoseconds due, Nanoseconds now) {
  return due > now ? what + ", due in " + ShowDuration(due - now) : what;
}

}  // namespace

std::vector<std::string> Agenda::waiting() const {
  std::vector<std::string> all;
  const Nanoseconds now = clock_.elapsed();
  for (const Work& work : work_) {
    const Runnable::Owner owner = work.runnable->owner();
    std::string what = owner.id == 0 ? "posted work" : "a delivery to " + std::string(owner.name);
    if (work.held_until > now) what += ", held for " + ShowDuration(work.held_until - now);
    all.push_back(std::move(what));
  }
  for (const Later& later : later_) {
    all.push_back(WithTime(later.what, later.due, now));
  }
  if (const auto due = TurnDue()) all.push_back(WithTime(std::string(kTurn), *due, now));
  return all;
}

}  // namespace belfry::testing
