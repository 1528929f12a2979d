// Who decides, where a run could go on in more than one way.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "explore/access.h"
#include "sync/split_mix.h"

namespace belfry::explore {

// What there is to decide. The letters stand in replay strings.
enum class Question : char {
  kThread = 't',    // whose step is next: a thread's number
  kDelay = 'd',     // whether a store stays in its thread's buffer: 0 or 1
  kFlush = 'f',     // how many of a thread's delayed stores reach memory now: 16 * thread + count
  kWaiter = 'n',    // which waiting thread a NotifyOne wakes: its number
  kSpurious = 'w',  // whether a wait ends without a reason: 0 or 1
  kTimeout = 'o',   // whether a timed wait times out: 0 or 1
};

using Option = std::uint8_t;

struct Decision {
  std::uint64_t step;
  Question question;
  std::span<const Option> options;  // the first one is what happens if nobody cares
  Touch touch;                      // it makes a difference only to who conflicts with this later
};

// A decision for something else than the first option.
struct Choice {
  std::uint64_t step;
  Question question;
  Option option;
};

// Thread safety: none; one step at a time.
class Strategy {
 public:
  static constexpr int kDoesNotFit = -1;

  virtual ~Strategy() = default;
  // One of the options; kDoesNotFit if the run is not the one that was to be repeated.
  virtual int Choose(const Decision& decision) = 0;
  // What follows has been explored, or will be, in another order of independent steps.
  virtual void FindRedundant() {}
  // After a run: what was done in it, in order, to so many objects.
  virtual void Learn(std::span<const TouchAt> /*touches*/, std::size_t /*objects*/) {}
};

// Always the first option.
class Plain final : public Strategy {
 public:
  int Choose(const Decision& decision) override { return decision.options.front(); }
};

// All ways to go on, one run after the other.
class DepthFirst final : public Strategy {
 public:
  int Choose(const Decision& decision) override;
  void FindRedundant() override { redundant_ = true; }

  void Learn(std::span<const TouchAt> touches, std::size_t objects) override;
  // Then: whether there is another one to make.
  bool Next();
  std::uint64_t redundant_runs() const { return redundant_runs_; }

 private:
  static constexpr unsigned kOptionsMax = kThreadsMax + 1;

  struct Node {
    std::uint64_t step;
    Question question;
    Option count;
    Option chosen;
    Option options[kOptionsMax];
    Touch touch;
    bool matters;  // as far as it is known
  };

  std::vector<Node> path_;
  std::size_t at_ = 0;
  bool redundant_ = false;
  std::uint64_t redundant_runs_ = 0;
};

// By chance, repeatable by its seed. Even seeds: threads have priorities, a few of which change at
// random steps (as PCT does it). Odd seeds: a thread is interrupted every now and then.
class ByChance final : public Strategy {
 public:
  // `steps` is about how long a run is.
  ByChance(std::uint64_t seed, std::uint64_t steps);
  int Choose(const Decision& decision) override;

 private:
  static constexpr int kChanges = 3;

  Option ByPriority(const Decision& decision);

  SplitMix random_;
  const bool by_priority_;
  std::uint64_t changes_[kChanges] = {};
  int lowered_ = 0;
  int priorities_[kThreadsMax] = {};
};

// What a replay string says: "12t1.30d1" is thread 1 at step 12 and a delayed store at step 30.
class Replayed final : public Strategy {
 public:
  explicit Replayed(std::string_view text);
  int Choose(const Decision& decision) override;
  bool understood() const { return understood_; }
  bool used_up() const { return at_ == choices_.size(); }

 private:
  std::vector<Choice> choices_;
  std::size_t at_ = 0;
  bool understood_ = true;
};

std::string ReplayText(std::span<const Choice> choices);

}  // namespace belfry::explore
