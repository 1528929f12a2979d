// Who waits for whom.
#pragma once

#include "belfry/executor.h"
#include "belfry/subscription.h"
#include "dispatch/listener.h"
#include "dispatch/thread_record.h"

namespace belfry {

// A wait of the calling thread for the end of a listener's deliveries, entered into the wait-for
// graph. A thread waits for a listener; a listener waits for the threads that run it; a thread
// cannot go on before it leaves the listeners it is in. A wait that would close a cycle is not
// entered.
class WaitForListener {
 public:
  explicit WaitForListener(const Listener& listener);
  ~WaitForListener();
  WaitForListener(const WaitForListener&) = delete;
  WaitForListener& operator=(const WaitForListener&) = delete;

  bool would_deadlock() const { return thread_ == nullptr; }

 private:
  ThreadRecord* thread_ = nullptr;
};

// Waits by `wait` for the end of a listener that is detached, unless this thread is in it, or that
// would close a cycle.
template <class Wait>
ResetResult AwaitEnd(const Listener& listener, Wait wait) {
  if (Frame::Inside(listener)) return ResetResult::kDeferred;
  const WaitForListener waiting(listener);
  if (waiting.would_deadlock()) return ResetResult::kWouldDeadlock;
  const BlockingScope blocking;
  wait();
  return ResetResult::kDone;
}

}  // namespace belfry
