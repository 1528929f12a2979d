#include "loop/loop_walk.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <iterator>
#include <system_error>
#include <utility>

namespace belfry {
namespace {

// So many at most, so that a walk comes to an end.
constexpr std::size_t kTimersMax = 60;
constexpr std::size_t kPostedMax = 600;
constexpr std::size_t kPutOffMax = 20;
constexpr std::size_t kRemembered = 40;  // names, also of what is over

struct Thrown {};

}  // namespace

class LoopWalk::NamedWatcher final : public Watcher {
 public:
  NamedWatcher(LoopWalk& walk, Name name) : walk_(walk), name_(name), kept_(walk.kept_) {}
  void OnReady(Readiness readiness) override {
    walk_.model_.WatchCalled(name_, readiness);
    walk_.Called();
  }

 private:
  LoopWalk& walk_;
  const Name name_;
  const std::shared_ptr<const char> kept_;
};

// Runs once and goes.
class LoopWalk::NamedWork final : public Runnable {
 public:
  NamedWork(LoopWalk& walk, Name name) : walk_(walk), name_(name), kept_(walk.kept_) {}
  void Run() override {
    const std::unique_ptr<NamedWork> self(this);
    walk_.model_.WorkCalled(name_);
    walk_.Operations();
  }

 private:
  LoopWalk& walk_;
  const Name name_;
  const std::shared_ptr<const char> kept_;
};

class LoopWalk::NamedTurnEnd final : public Runnable {
 public:
  NamedTurnEnd(LoopWalk& walk, Name name) : walk_(walk), name_(name), kept_(walk.kept_) {}
  void Run() override {
    const std::unique_ptr<NamedTurnEnd> self(this);
    walk_.model_.PutOffCalled(name_);
    walk_.Called();
  }

 private:
  LoopWalk& walk_;
  const Name name_;
  const std::shared_ptr<const char> kept_;
};

LoopWalk::LoopWalk(Choices& choices) : choices_(choices) {
  for (std::size_t i = 0; i < pairs_.size(); ++i) Reopen(i);
}

LoopWalk::~LoopWalk() {
  for (const Pair& pair : pairs_) {
    if (pair.watch != 0) loop_.Unwatch(watches_.at(pair.watch));
  }
}

void LoopWalk::Step() {
  switch (choices_.Below(4)) {
    case 0:
      return Turn();
    case 1: {
      const Nanoseconds by(static_cast<Nanoseconds::rep>(
          choices_.Below(choices_.Below(8) == 0 ? 3'000'000'000 : 3'000'000)));
      clock_.Advance(by);
      return model_.TimeMoved(by);
    }
    default:
      return Operate();
  }
}

void LoopWalk::Turn() {
  model_.TurnBegins();
  try {
    if (choices_.Below(4) == 0) {
      loop_.Stop();
      loop_.Run();  // one turn
    } else {
      loop_.RunOnce();
    }
    model_.TurnEnds();
  } catch (const Thrown&) {
    model_.TurnThrew();
  }
  ended_watchers_.clear();
  CheckKept();
}

void LoopWalk::CheckKept() {
  const std::size_t wanted =
      model_.watches() + model_.timers() + model_.posted() + model_.put_off();
  const auto kept = static_cast<std::size_t>(kept_.use_count()) - 1;
  if (kept != wanted) {
    model_.Wrong("the loop keeps " + std::to_string(kept) + " callables, not " +
                 std::to_string(wanted));
  }
}

void LoopWalk::Finish() {
  finishing_ = true;
  for (const auto& [name, id] : std::exchange(timers_, {})) {
    loop_.Cancel(id);
    model_.Cancelled(name);
  }
  for (Pair& pair : pairs_) {
    if (pair.watch != 0) Unwatch(pair.watch);
  }
  while (wrong().empty() && model_.posted() + model_.put_off() > 0) Turn();
  CheckKept();
}

void LoopWalk::Operations() {
  ++calls_;
  if (finishing_ || !wrong().empty()) return;
  for (std::uint64_t left = choices_.Below(3); left > 0; --left) Operate();
}

void LoopWalk::Called() {
  Operations();
  if (!finishing_ && choices_.Below(32) == 31) throw Thrown();
}

void LoopWalk::Operate() {
  ++operations_;
  switch (choices_.Below(16)) {
    case 0:
    case 1:
      return Watch();
    case 2:
    case 3:
      return SetInterest();
    case 4:
      return Unwatch(AnyOf(watches_));
    case 5:
    case 6:
      return Send();
    case 7:
    case 8:
      return Drain();
    case 9:
      return choices_.Below(2) == 0 ? LetPeerGo() : Reopen(AnyPair());
    case 10:
    case 11:
      return Arm();
    case 12:
      return Cancel(AnyOf(timers_));
    case 13:
    case 14:
      return Post();
    default:
      return PutOff();
  }
}

template <class Id>
LoopWalk::Name LoopWalk::AnyOf(const std::map<Name, Id>& ids) {
  if (ids.empty()) return 0;
  return std::next(ids.begin(), static_cast<std::ptrdiff_t>(choices_.Below(ids.size())))->first;
}

void LoopWalk::Watch() {
  const std::size_t index = AnyPair();
  Pair& pair = pairs_[index];
  if (pair.watch != 0) return WatchAgain(index);
  const Name name = ++names_;
  const Interest interest = AnyInterest();
  if (choices_.Below(2) == 0) {
    const auto called = [this, name, kept = kept_](Readiness readiness) {
      model_.WatchCalled(name, readiness);
      Called();
    };
    watches_[name] = loop_.Watch(pair.watched.get(), interest, called);
  } else {
    auto& watcher = watchers_[name] = std::make_unique<NamedWatcher>(*this, name);
    watches_[name] = loop_.Watch(pair.watched.get(), interest, *watcher);
    if (loop_.FindWatcher(watches_[name]) != watcher.get()) model_.Wrong("a watcher is not found");
  }
  pair.watch = name;
  model_.Watched(name, index, interest);
  if (watches_.size() <= kRemembered) return;
  for (auto old = watches_.begin(); old != watches_.end();) {
    old = old->first + kRemembered < name && !model_.IsWatch(old->first) ? watches_.erase(old)
                                                                         : std::next(old);
  }
}

void LoopWalk::WatchAgain(std::size_t index) {
  try {
    loop_.Watch(pairs_[index].watched.get(), Interest::kReadable, [](Readiness) {});
    model_.Wrong("a descriptor has two watches");
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::file_exists) model_.Wrong("another error than EEXIST");
  }
}

void LoopWalk::SetInterest() {
  const Name watch = AnyOf(watches_);
  if (watch == 0) return;
  const Interest interest = AnyInterest();
  loop_.SetInterest(watches_.at(watch), interest);
  model_.InterestSet(watch, interest);
}

void LoopWalk::Unwatch(Name watch) {
  if (watch == 0) return;
  loop_.Unwatch(watches_.at(watch));
  model_.Unwatched(watch);
  if (loop_.FindWatcher(watches_.at(watch)) != nullptr) model_.Wrong("a watch is found again");
  for (Pair& pair : pairs_) {
    if (pair.watch == watch) pair.watch = 0;
  }
  // It may be running.
  if (const auto found = watchers_.find(watch); found != watchers_.end()) {
    ended_watchers_.push_back(std::move(found->second));
    watchers_.erase(found);
    if (!loop_.in_turn()) ended_watchers_.clear();
  }
}

void LoopWalk::Send() {
  const std::size_t index = AnyPair();
  LoopModel::Pair& state = model_.pairs[index];
  if (state.peer_gone || state.unread > 100) return;
  if (::write(pairs_[index].peer.get(), "x", 1) == 1) ++state.unread;
}

void LoopWalk::Drain() {
  const std::size_t index = AnyPair();
  char bytes[200];
  while (::read(pairs_[index].watched.get(), bytes, sizeof(bytes)) > 0) {
  }
  model_.pairs[index].unread = 0;
}

void LoopWalk::LetPeerGo() {
  const std::size_t index = AnyPair();
  pairs_[index].peer = {};
  model_.pairs[index].peer_gone = true;
}

// The new descriptors have the numbers of the old ones.
void LoopWalk::Reopen(std::size_t index) {
  Pair& pair = pairs_[index];
  if (pair.watch != 0) Unwatch(pair.watch);
  pair = Pair();
  model_.pairs[index] = {};
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return model_.Wrong("no pair of sockets");
  }
  pair.watched = sys::UniqueFd(ends[0]);
  pair.peer = sys::UniqueFd(ends[1]);
}

void LoopWalk::Arm() {
  if (model_.timers() >= kTimersMax) return;
  constexpr std::uint64_t kDelays[] = {1, 2'000'000, 20'000'000, 2'000'000'000, 100'000'000'000};
  const auto any = [&] {
    return Nanoseconds(
        static_cast<Nanoseconds::rep>(choices_.Below(kDelays[choices_.Below(std::size(kDelays))])));
  };
  const Name name = ++names_;
  const auto called = [this, name, kept = kept_] {
    model_.TimerCalled(name);
    Called();
  };
  if (choices_.Below(2) == 0) {
    const Nanoseconds delay = any();
    timers_[name] = loop_.RunAfter(delay, called);
    model_.Armed(name, delay, {}, 1);
  } else {
    const Nanoseconds period = any() + Nanoseconds(1'000);
    const std::uint64_t repetitions = choices_.Below(4);
    timers_[name] = loop_.RunEvery(period, called, repetitions);
    model_.Armed(name, period, period, repetitions);
  }
  for (auto old = timers_.begin(); timers_.size() > kTimersMax + kRemembered;) {
    old = model_.IsTimer(old->first) ? std::next(old) : timers_.erase(old);
  }
}

void LoopWalk::Cancel(Name timer) {
  if (timer == 0) return;
  const bool armed = model_.Cancelled(timer);
  if (loop_.Cancel(timers_.at(timer)) != armed) model_.Wrong("Cancel is wrong about a timer");
}

// Now and then more than a turn's share.
void LoopWalk::Post() {
  const std::uint64_t pieces = choices_.Below(500) == 0 ? 300 : 1;
  for (std::uint64_t i = 0; i < pieces && model_.posted() < kPostedMax; ++i) {
    const Name name = ++names_;
    model_.Posted(name);
    if (choices_.Below(2) == 0) {
      loop_.Post(*std::make_unique<NamedWork>(*this, name).release());
    } else {
      loop_.Post([this, name, kept = kept_] {
        model_.WorkCalled(name);
        Operations();
      });
    }
  }
}

void LoopWalk::PutOff() {
  if (model_.put_off() >= kPutOffMax) return;
  const Name name = ++names_;
  model_.PutOff(name);
  loop_.RunAtTurnEnd(*std::make_unique<NamedTurnEnd>(*this, name).release());
}

}  // namespace belfry
