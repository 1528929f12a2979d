// The deliveries that run on this thread, innermost first, and who waits for whom because of them.
#pragma once

#include <cstdint>

#include "sync/sync.h"

namespace belfry {

class DispatcherCore;
class Frame;
class Listener;

// One thread as the wait-for graph sees it. Lives as long as the thread.
struct ThreadRecord {
  explicit ThreadRecord(std::int64_t id) : thread_id(id) {}

  const std::int64_t thread_id;
  Frame* innermost = nullptr;  // touched by its own thread only
  // Written under the graph's mutex; a report may look at it without.
  sync::Atomic<const Listener*> waiting_for{nullptr};
};

// One running delivery, on its thread's stack; or the destruction of a listener's callable, which
// is user code of that listener too.
//
// Thread safety: made, walked by `outer` and destroyed on its own thread. Other threads see it only
// through its listener's list, under that listener's mutex.
class Frame {
 public:
  Frame(DispatcherCore& core, Listener& listener);
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  DispatcherCore& core() const { return core_; }
  Listener& listener() const { return listener_; }
  ThreadRecord& thread() const { return thread_; }
  const Frame* outer() const { return outer_; }
  unsigned depth() const { return depth_; }

  // The innermost frame of the calling thread; null outside of all deliveries.
  static const Frame* Innermost();
  // Whether the calling thread is inside a delivery of `listener`, or of any listener of `core`.
  static bool Inside(const Listener& listener);
  static const Frame* InnermostOf(const DispatcherCore& core);

  // The listener's list of its frames, and this frame's number there; guarded by its mutex.
  Frame* next_of_listener = nullptr;
  std::uint64_t number = 0;

 private:
  DispatcherCore& core_;
  Listener& listener_;
  ThreadRecord& thread_;
  Frame* const outer_;
  const unsigned depth_;
};

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

  bool would_deadlock() const { return would_deadlock_; }

 private:
  bool would_deadlock_ = false;
};

}  // namespace belfry
