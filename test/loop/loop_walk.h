// Operations on a loop, and the calls that come of them, beside a model.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_loop.h"
#include "loop/loop_model.h"
#include "sys/unique_fd.h"

namespace belfry {

// What a walk does next is chosen at random, or by bytes.
class Choices {
 public:
  virtual ~Choices() = default;
  virtual std::uint64_t Below(std::uint64_t limit) = 0;
};

// A loop, a few pairs of sockets, and a clock that stands still while a turn runs. Every callback
// makes operations of its own, and throws now and then, but for posted work, which must not.
class LoopWalk {
 public:
  explicit LoopWalk(Choices& choices);
  ~LoopWalk();
  LoopWalk(const LoopWalk&) = delete;
  LoopWalk& operator=(const LoopWalk&) = delete;

  // Between turns: an operation, a turn, or time passes.
  void Step();
  // Ends all watches and timers, and runs what is left.
  void Finish();

  // What happened that should not have, or what did not happen; "": nothing.
  const std::string& wrong() const { return model_.wrong(); }
  std::uint64_t operations() const { return operations_; }
  std::uint64_t calls() const { return calls_; }

 private:
  using Name = LoopModel::Name;
  class NamedWatcher;
  class NamedWork;
  class NamedTurnEnd;

  struct Pair {
    sys::UniqueFd watched;
    sys::UniqueFd peer;
    Name watch = 0;  // 0: none
  };

  void Operate();
  void Watch();
  void WatchAgain(std::size_t index);
  void SetInterest();
  void Unwatch(Name watch);
  void Send();
  void Drain();
  void LetPeerGo();
  void Reopen(std::size_t index);
  void Arm();
  void Cancel(Name timer);
  void Post();
  void PutOff();
  void Turn();
  void CheckKept();

  // A callback has begun, and the model was told: it makes operations, and may throw.
  void Called();
  void Operations();
  std::size_t AnyPair() { return choices_.Below(LoopModel::kPairs); }
  Interest AnyInterest() { return static_cast<Interest>(choices_.Below(4)); }
  // Of those of these; one that is over now and then.
  template <class Id>
  Name AnyOf(const std::map<Name, Id>& ids);

  Choices& choices_;
  ManualClock clock_;
  EventLoop loop_{clock_};
  LoopModel model_;
  std::array<Pair, LoopModel::kPairs> pairs_;
  std::map<Name, WatchId> watches_;  // also some that have ended
  std::map<Name, TimerId> timers_;
  std::map<Name, std::unique_ptr<NamedWatcher>> watchers_;
  std::vector<std::unique_ptr<NamedWatcher>> ended_watchers_;  // in this turn
  Name names_ = 0;
  // All that a loop keeps has a share of it: so it is seen what it lets go.
  std::shared_ptr<const char> kept_ = std::make_shared<const char>();
  bool finishing_ = false;
  std::uint64_t operations_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace belfry
