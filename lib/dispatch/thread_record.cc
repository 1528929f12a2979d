#include "dispatch/thread_record.h"

#include <new>

#include "sys/threads.h"

namespace belfry {

constinit thread_local ThreadRecord* ThreadRecord::current = nullptr;
sync::Atomic<ThreadRecord*> ThreadRecord::first{nullptr};

ThreadRecord* ThreadRecord::Acquire() {
  ThreadRecord* record = First();
  for (; record != nullptr; record = record->next) {
    bool in_use = false;
    if (record->in_use.compare_exchange_strong(in_use, true, std::memory_order_acq_rel)) break;
  }
  if (record == nullptr) {
    record = new (std::nothrow) ThreadRecord;
    if (record == nullptr) return nullptr;
    record->next = First();
    while (!first.compare_exchange_weak(record->next, record, std::memory_order_acq_rel)) {
    }
  }
  record->thread_id.store(sys::ThreadId(), std::memory_order_relaxed);
  current = record;
  sys::AtThreadExit(&ThreadRecord::Release, record);
  return record;
}

void ThreadRecord::Release(void* record) {
  current = nullptr;
  static_cast<ThreadRecord*>(record)->in_use.store(false, std::memory_order_release);
}

namespace {

// Of those who wait for threads to leave their frames. Process-wide, since whoever has left one
// may touch nothing else of the dispatcher; never destroyed, since threads may outlive main.
struct Watch {
  sync::Mutex mutex;
  sync::Condition left;

  static Watch& Instance() {
    static Watch& watch = *new Watch;
    return watch;
  }
};

class Watching {
 public:
  explicit Watching(ThreadRecord& thread) : thread_(thread) {
    thread_.watchers.fetch_add(1, std::memory_order_seq_cst);
  }
  ~Watching() { thread_.watchers.fetch_sub(1, std::memory_order_relaxed); }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

 private:
  ThreadRecord& thread_;
};

}  // namespace

Frame* ThreadRecord::BusyFrame(const DispatcherCore& core) {
  Frame* found = nullptr;
  Frame::ForEach([&](Frame& frame) {
    if (IsBusy(frame, core)) found = &frame;
  });
  return found;
}

bool ThreadRecord::IsBusy(const Frame& frame, const DispatcherCore& core) {
  return frame.inside() != nullptr && frame.core() == &core && &frame.thread() != current;
}

bool ThreadRecord::AwaitLeft(const DispatcherCore& core, std::optional<SteadyTime> deadline) {
  sync::HeavyBarrier();  // some enter their frames without one
  while (Frame* const busy = BusyFrame(core)) {
    const Watching watching(busy->thread());
    // From here on either it sees that it is watched, or this sees that it has left. Only where the
    // system has no heavy barrier is there need to look again.
    const bool sure = sync::HeavyBarrier();
    Watch& watch = Watch::Instance();
    const sync::Lock lock(watch.mutex);
    while (IsBusy(*busy, core)) {
      const SteadyTime now = Clock::Real().Now();
      if (deadline.has_value() && now >= *deadline) return false;
      const SteadyTime look = TimeAfter(now, std::chrono::milliseconds(1));
      if (sure && !deadline.has_value()) {
        watch.left.Wait(watch.mutex);
      } else {
        watch.left.WaitUntil(watch.mutex, sure ? *deadline : look);
      }
    }
  }
  return true;
}

void ThreadRecord::TellWatchers() {
  Watch& watch = Watch::Instance();
  const sync::Lock lock(watch.mutex);
  watch.left.NotifyAll();
}

}  // namespace belfry
