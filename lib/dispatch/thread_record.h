// What runs on each thread.
#pragma once

#include <cstdint>
#include <optional>

#include "belfry/clock.h"
#include "dispatch/frame.h"
#include "dispatch/pass_counts.h"
#include "sync/sync.h"

namespace belfry {

// One thread, in a list that only grows; when it ends, a later thread goes on with its record.
//
// Thread safety: any thread.
struct ThreadRecord {
  ThreadRecord() : outermost(*this, nullptr) {}

  sync::Atomic<std::int64_t> thread_id{0};
  // What a Reset on this thread waits for. Written under the graph's mutex; a report may look at it
  // without.
  sync::Atomic<const Listener*> waiting_for{nullptr};
  sync::Atomic<bool> in_use{true};
  // How many wait for this thread to leave a frame.
  sync::Atomic<unsigned> watchers{0};
  ThreadRecord* next = nullptr;
  PassCounts counts;
  Frame outermost;

  // The calling thread's; null when there is no memory for it.
  static ThreadRecord* Current() { return current != nullptr ? current : Acquire(); }
  static ThreadRecord* First() { return first.load(std::memory_order_acquire); }

  // Waits until no other thread is in a frame of `core`; false at the deadline.
  static bool AwaitLeft(const DispatcherCore& core, std::optional<SteadyTime> deadline);
  static bool HaveLeft(const DispatcherCore& core) { return BusyFrame(core) == nullptr; }
  [[gnu::cold]] static void TellWatchers();

 private:
  static bool IsBusy(const Frame& frame, const DispatcherCore& core);
  static Frame* BusyFrame(const DispatcherCore& core);
  static ThreadRecord* Acquire();
  static void Release(void* record);
  static constinit thread_local ThreadRecord* current __attribute__((tls_model("initial-exec")));
  static sync::Atomic<ThreadRecord*> first;
};

inline Frame* Frame::Next() {
  if (Frame* const innermost = Innermost()) return innermost->Inner();
  ThreadRecord* const thread = ThreadRecord::Current();
  return thread == nullptr ? nullptr : &thread->outermost;
}

template <class Visit>
void Frame::ForEach(Visit visit) {
  for (ThreadRecord* thread = ThreadRecord::First(); thread != nullptr; thread = thread->next) {
    for (Frame* frame = &thread->outermost; frame != nullptr;
         frame = frame->inner_.load(std::memory_order_acquire)) {
      visit(*frame);
    }
  }
}

}  // namespace belfry
