#include "plugin/circuit_breaker.h"

#include <utility>

#include "plugin/border.h"

namespace belfry {

absl::Status CircuitBreaker::Begin(bool& trial) {
  const sync::Lock lock(mutex_);
  switch (state_.load(std::memory_order_relaxed)) {
    case State::kClosed:
      return absl::OkStatus();
    case State::kOpen:
      if (clock_.Now() < until_) break;
      trial = true;
      state_.store(State::kTrying, std::memory_order_release);
      return absl::OkStatus();
    case State::kTrying:
    case State::kOverdue:
      break;
  }
  return absl::UnavailableError("the plugin is cut off: " + why_);
}

CircuitBreaker::Change CircuitBreaker::End(bool trial, const absl::Status& status) {
  const sync::Lock lock(mutex_);
  switch (state_.load(std::memory_order_relaxed)) {
    case State::kClosed: {
      if (status.ok() || options_.failures == 0) return Change::kNone;
      const SteadyTime now = clock_.Now();
      failures_.push_back(now);
      while (now - failures_.front() > options_.within) failures_.pop_front();
      if (failures_.size() < options_.failures) return Change::kNone;
      Open(std::to_string(failures_.size()) + " of its calls failed within " +
           InSeconds(options_.within) + ", the last one: " + std::string(status.message()));
      return Change::kCutOff;
    }
    case State::kTrying:
      if (!trial) return Change::kNone;
      if (!status.ok()) {
        Open("it failed again: " + std::string(status.message()));
        return Change::kNone;
      }
      failures_.clear();
      why_.clear();
      state_.store(State::kClosed, std::memory_order_release);
      return Change::kBack;
    case State::kOverdue:
    case State::kOpen:
      break;
  }
  return Change::kNone;
}

CircuitBreaker::Change CircuitBreaker::Overdue(std::string why) {
  const sync::Lock lock(mutex_);
  const State former = state_.load(std::memory_order_relaxed);
  if (former == State::kOverdue) return Change::kNone;
  why_ = std::move(why);
  state_.store(State::kOverdue, std::memory_order_release);
  return former == State::kClosed ? Change::kCutOff : Change::kNone;
}

void CircuitBreaker::OverdueEnded() {
  const sync::Lock lock(mutex_);
  if (state_.load(std::memory_order_relaxed) == State::kOverdue) Open(std::move(why_));
}

void CircuitBreaker::Open(std::string why) {
  why_ = std::move(why);
  failures_.clear();
  until_ = TimeAfter(clock_.Now(), options_.pause);
  state_.store(State::kOpen, std::memory_order_release);
}

std::string CircuitBreaker::why() const {
  const sync::Lock lock(mutex_);
  return why_;
}

}  // namespace belfry
