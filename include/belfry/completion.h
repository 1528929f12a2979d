// What an operation finishes, once, and a caller waits for or is told of.
//
//   belfry::Completion<int> answer;
//   pool.Post([answer] { answer.Finish(42); });
//   answer.Then([](const int& value) { Show(value); });   // when it is finished, or at once
//   int value = answer.Wait();
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "belfry/ambient_context.h"
#include "belfry/check.h"
#include "belfry/clock.h"
#include "belfry/export.h"
#include "belfry/waker.h"

namespace belfry {

// Somebody to be told without an allocation; see flow/task.h.
class CompletionWaiter {
 public:
  // Once at most, under a lock of the completion: takes note, and says whom to wake without it.
  virtual Waker Finished() = 0;

 protected:
  ~CompletionWaiter() = default;

 private:
  friend class CompletionState;
  CompletionWaiter* next_ = nullptr;
};

// The part of a completion that does not depend on its type: pending → finishing → finished.
class BELFRY_EXPORT CompletionState {
 public:
  CompletionState();
  ~CompletionState();

  bool Claim();    // true for exactly one caller, who then stores the value
  void Publish();  // the value is stored: wakes and tells everybody
  bool finished() const;
  bool HasWaiting() const;                           // somebody is to be told
  bool WaitUntil(const SteadyTime* deadline) const;  // null: for ever
  void Then(std::function<void()> told);
  bool Add(CompletionWaiter& waiter);  // false: it is finished
  // Not told any more, nor inside of that, when this has returned.
  void Remove(CompletionWaiter& waiter);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A shared handle on a value that comes later. Copies are the same completion.
//
// Thread safety: any thread, all methods.
// Order: those told by Then are told in the order in which they asked.
// Blocking: Wait and WaitFor; on a pool's thread a spare one may be started meanwhile, on a loop's
// thread waiting is a bug (aborts).
// Lifetime: the value lives as long as the last handle.
template <class T>
class Completion {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a completion's value must move safely");

 public:
  Completion() : shared_(std::make_shared<Shared>()) {}

  // Stores the value. False when it was finished before: the first one wins.
  // Those who are told may let go of the last handle, this one included.
  bool Finish(T value) const {
    const std::shared_ptr<Shared> shared = shared_;
    if (!shared->state.Claim()) return false;
    shared->value.emplace(std::move(value));
    shared->state.Publish();
    return true;
  }

  // The same, and whoever is told, now or later, is told in that context.
  bool FinishIn(const AmbientContext& context, T value) const {
    const std::shared_ptr<Shared> shared = shared_;
    if (!shared->state.Claim()) return false;
    shared->value.emplace(std::move(value));
    shared->told_in = context;
    shared->state.Publish();
    return true;
  }

  bool finished() const { return shared_->state.finished(); }
  // Whether anybody could still learn the value: has another handle, or is to be told. Once it says
  // no, nobody can.
  bool wanted() const { return shared_.use_count() > 1 || shared_->state.HasWaiting(); }

  // Blocks until finished.
  const T& Wait() const {
    shared_->state.WaitUntil(nullptr);
    return *shared_->value;
  }

  // Blocks for at most `limit` of real time; whether it is finished then.
  bool WaitFor(Nanoseconds limit) const {
    const SteadyTime deadline = TimeAfter(Clock::Real().Now(), limit);
    return shared_->state.WaitUntil(&deadline);
  }

  // The value. Not finished yet: a bug (aborts).
  const T& value() const {
    BELFRY_CHECK(finished(), "a completion's value was asked for before it was finished");
    return *shared_->value;
  }

  // Calls `told` once with the value: on the finishing thread, or here and now when it is finished.
  // `told` must not throw.
  void Then(std::function<void(const T&)> told) const {
    // The state is owned by what it calls only until it is finished: no cycle outlives the value.
    shared_->state.Then([shared = shared_.get(), told = std::move(told)] {
      if (!shared->told_in.has_value()) return told(*shared->value);
      const AmbientScope scope(*shared->told_in);
      told(*shared->value);
    });
  }

  CompletionState& state() const { return shared_->state; }  // the library's

 private:
  struct Shared {
    CompletionState state;
    std::optional<T> value;
    std::optional<AmbientContext> told_in;  // unset: whichever there is then
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace belfry
