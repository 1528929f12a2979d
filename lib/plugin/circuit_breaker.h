// Whether a plugin may be called.
#pragma once

#include <deque>
#include <string>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/plugin_breaker.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread.
class CircuitBreaker {
 public:
  CircuitBreaker(const Clock& clock, const PluginBreaker& options)
      : clock_(clock), options_(options) {}

  // What a call, or a look, has changed.
  enum class Change { kNone, kCutOff, kBack };

  // Then a call needs no Begin, and one that is well needs no End.
  bool closed() const { return state_.load(std::memory_order_acquire) == State::kClosed; }
  // Errors: UNAVAILABLE: why the plugin is cut off. With `trial` it is tried again.
  absl::Status Begin(bool& trial);
  Change End(bool trial, const absl::Status& status);
  // A call has been running for too long; and it has ended.
  Change Overdue(std::string why);
  void OverdueEnded();

  std::string why() const;  // "": it is not cut off

 private:
  enum class State { kClosed, kOpen, kTrying, kOverdue };

  void Open(std::string why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  const PluginBreaker options_;
  sync::Atomic<State> state_{State::kClosed};  // written under the mutex

  mutable sync::Mutex mutex_;
  std::deque<SteadyTime> failures_ ABSL_GUARDED_BY(mutex_);
  std::string why_ ABSL_GUARDED_BY(mutex_);
  SteadyTime until_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
