#include "loop/loop_model.h"

#include <algorithm>

namespace belfry {
namespace {

constexpr std::size_t kTurnShare = 256;
constexpr std::int64_t kTick = 1'000'000;  // nanoseconds

std::uint64_t Floor(Nanoseconds time) { return static_cast<std::uint64_t>(time.count() / kTick); }
std::uint64_t Ceiling(Nanoseconds time) { return Floor(time + Nanoseconds(kTick - 1)); }

bool Wants(Interest interest, Interest part) {
  return (static_cast<unsigned>(interest) & static_cast<unsigned>(part)) != 0;
}

// What of `readiness` is told to who wants only this. A hang-up always is.
Readiness Wanted(Readiness readiness, Interest interest) {
  readiness.readable = readiness.readable && Wants(interest, Interest::kReadable);
  readiness.writable = readiness.writable && Wants(interest, Interest::kWritable);
  return readiness;
}

std::string Describe(Readiness readiness) {
  return std::string(readiness.readable ? " readable" : "") +
         (readiness.writable ? " writable" : "") + (readiness.error ? " error" : "") +
         (readiness.hung_up ? " hung up" : "");
}

std::string Named(const char* what, LoopModel::Name name) {
  return what + (" " + std::to_string(name));
}

}  // namespace

void LoopModel::Watched(Name watch, std::size_t pair, Interest interest) {
  watches_.emplace(watch, Watch{.pair = pair, .wanted = interest});
}

void LoopModel::InterestSet(Name watch, Interest interest) {
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  found->second.wanted = interest;
  found->second.changed = true;
  found->second.told_of_hang_up = false;
}

void LoopModel::Armed(Name timer, Nanoseconds delay, Nanoseconds period,
                      std::uint64_t repetitions) {
  const Nanoseconds deadline = now_ + delay;
  Arm(timer, {{}, 0, deadline, period, repetitions},
      delay > Nanoseconds::zero() ? Ceiling(deadline) : Floor(deadline));
}

void LoopModel::Arm(Name name, Timer timer, std::uint64_t tick) {
  timer.place = {tick, ++armed_};
  timer.armed_in_run = part_ == Part::kTimers ? runs_ : 0;
  due_.emplace(timer.place, name);
  timers_.insert_or_assign(name, timer);
}

bool LoopModel::Cancelled(Name timer) {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return false;
  due_.erase(found->second.place);
  timers_.erase(found);
  return true;
}

void LoopModel::TurnBegins() { GoTo(Part::kBefore); }

void LoopModel::TurnEnds() {
  GoTo(Part::kEnd);
  Leave();
  part_ = Part::kBetween;
}

void LoopModel::TurnThrew() {
  for (auto& [name, watch] : watches_) watch.fetched.reset();
  part_ = Part::kBetween;
}

void LoopModel::GoTo(Part part) {
  while (part_ < part) {
    Leave();
    part_ = static_cast<Part>(static_cast<int>(part_) + 1);
    Enter();
  }
}

void LoopModel::Enter() {
  switch (part_) {
    case Part::kBetween:
      return;
    case Part::kReady:
      return Fetch();
    case Part::kTimers:
      ++runs_;
      return;
    case Part::kPosted:
      if (share_.empty()) share_.swap(posted_);
      share_left_ = std::min(share_.size(), kTurnShare);
      return;
    case Part::kBefore:
    case Part::kEnd:
      if (ending_.empty()) ending_.swap(put_off_);  // else one of them has thrown
      return;
  }
}

void LoopModel::Leave() {
  switch (part_) {
    case Part::kBetween:
      return;
    case Part::kReady:
      return CheckCalledReady();
    case Part::kTimers:
      if (const auto next = NextDue(); next != due_.end()) {
        Wrong(Named("was not called: due timer", next->second));
      }
      return;
    case Part::kPosted:
      if (share_left_ > 0) Wrong(Named("was not run: posted work", share_.front()));
      return;
    case Part::kBefore:
    case Part::kEnd:
      if (!ending_.empty()) Wrong(Named("was not run: put-off work", ending_.front()));
      return;
  }
}

void LoopModel::Fetch() {
  for (auto& [name, watch] : watches_) {
    const Pair& pair = pairs[watch.pair];
    const Readiness ready = Wanted({.readable = pair.unread > 0 || pair.peer_gone,
                                    .writable = true,
                                    .hung_up = pair.peer_gone},
                                   watch.wanted);
    watch.changed = false;
    watch.fetched.reset();
    if (ready != Readiness{}) watch.fetched = ready;
  }
}

// Whose interest has changed since, the loop may have come to when it wanted nothing that was
// fetched; who wants nothing is told of a hang-up once.
void LoopModel::CheckCalledReady() {
  for (auto& [name, watch] : watches_) {
    if (watch.fetched && !watch.changed && watch.wanted != Interest::kNone) {
      Wrong(Named("was not called: ready watch", name));
    }
    watch.fetched.reset();
  }
}

void LoopModel::WatchCalled(Name watch, Readiness readiness) {
  GoTo(Part::kReady);
  const auto found = watches_.find(watch);
  if (part_ != Part::kReady) return Wrong(Named("called in a wrong part of a turn: watch", watch));
  if (found == watches_.end()) return Wrong(Named("called after its end: watch", watch));
  Watch& called = found->second;
  if (!called.fetched) return Wrong(Named("called though it was not ready: watch", watch));
  const Readiness wanted = Wanted(*std::exchange(called.fetched, std::nullopt), called.wanted);
  if (readiness != wanted || wanted == Readiness{}) {
    return Wrong(Named("watch", watch) + " was told:" + Describe(readiness) +
                 ", not:" + Describe(wanted));
  }
  if (called.wanted != Interest::kNone) return;
  if (std::exchange(called.told_of_hang_up, !called.changed)) {
    Wrong(Named("told twice of a hang-up though it wants nothing: watch", watch));
  }
}

std::map<LoopModel::Place, LoopModel::Name>::iterator LoopModel::NextDue() {
  const auto next = std::find_if(due_.begin(), due_.end(), [&](const auto& due) {
    return timers_.at(due.second).armed_in_run != runs_;
  });
  return next == due_.end() || next->first.first > Floor(now_) ? due_.end() : next;
}

void LoopModel::TimerCalled(Name timer) {
  GoTo(Part::kTimers);
  if (part_ != Part::kTimers) return Wrong(Named("called in a wrong part of a turn: timer", timer));
  const auto next = NextDue();
  if (next == due_.end()) {
    return Wrong(Named("called though it is not due: timer", timer));
  }
  if (next->second != timer) {
    return Wrong(Named("called before its turn: timer", timer) + Named(", not", next->second));
  }
  Timer called = timers_.at(timer);
  due_.erase(next);
  timers_.erase(timer);
  if (called.repetitions == 1) return;
  if (called.repetitions > 1) --called.repetitions;
  // The next one of its periods that lies behind this turn's tick.
  const Nanoseconds turn(static_cast<std::int64_t>(Floor(now_)) * kTick);
  while (called.deadline <= turn) called.deadline += called.period;
  Arm(timer, called, Ceiling(called.deadline));
}

void LoopModel::WorkCalled(Name work) {
  GoTo(Part::kPosted);
  if (part_ != Part::kPosted || share_left_ == 0 || share_.front() != work) {
    return Wrong(Named("run before its turn: posted work", work));
  }
  share_.pop_front();
  --share_left_;
}

void LoopModel::PutOffCalled(Name work) {
  if (part_ != Part::kBefore || ending_.empty()) GoTo(Part::kEnd);
  if (ending_.empty() || ending_.front() != work) {
    return Wrong(Named("run before its turn: put-off work", work));
  }
  ending_.pop_front();
}

}  // namespace belfry
