#include "dispatch/frame.h"

#include <new>

#include "belfry/check.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/inline_listeners.h"
#include "dispatch/listener.h"
#include "dispatch/topic.h"
#include "sys/threads.h"

namespace belfry {

// --- Frames ---

Frame::Frame(ThreadRecord& thread, Frame* outer)
    : AmbientFrame(&Frame::CauseOf),
      thread_(thread),
      outer_(outer),
      depth_(outer == nullptr ? 1 : outer->depth_ + 1) {}

Frame* Frame::Inner() {
  Frame* inner = inner_.load(std::memory_order_relaxed);
  if (inner == nullptr) {
    inner = new (std::nothrow) Frame(thread_, this);
    inner_.store(inner, std::memory_order_release);
  }
  return inner;
}

bool Frame::Inside(const Listener& listener) {
  for (const Frame* frame = Innermost(); frame != nullptr; frame = frame->outer()) {
    if (frame->Is(listener.place())) return true;
  }
  return false;
}

Frame* Frame::InnermostOf(const DispatcherCore& core) {
  for (Frame* frame = Innermost(); frame != nullptr; frame = frame->outer()) {
    if (frame->core() == &core) return frame;
  }
  return nullptr;
}

std::string Frame::Describe() const {
  const void* const cell = current_.load(std::memory_order_relaxed);
  const Listener* listener = delivering;
  if (listener == nullptr && cell != nullptr) listener = group->ListenerIn(cell);
  return listener == nullptr ? "publish or destruction of a callable"
                             : "listener \"" + std::string(listener->name()) + "\"";
}

const Envelope& Frame::envelope() {
  if (made == nullptr) made = &lazy->Make();
  return *made;
}

Cause Frame::CauseOf(AmbientFrame& ambient_frame) {
  Frame& frame = static_cast<Frame&>(ambient_frame);
  const bool delivers = frame.made != nullptr || frame.lazy != nullptr;
  return delivers ? frame.envelope().AsCause() : frame.OuterCause();
}

Envelope& LazyEnvelope::Make() {
  if (!made_) {
    Topic& topic = *frame_.topic;
    // What a queued listener is delivered came from elsewhere: only a pass has its frame's cause.
    const Cause none;
    const Cause outer = id_ == nullptr ? frame_.OuterCause() : none;
    ::new (&envelope_) Envelope(topic.type(), event_, topic.core().ids(),
                                cause_ == nullptr ? outer : *cause_, id_);
    made_ = true;
  }
  return envelope_;
}

// --- Threads ---

thread_local ThreadRecord* ThreadRecord::current = nullptr;
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
// may touch nothing else of the dispatcher.
sync::Mutex watch_mutex;
sync::Condition watch_left;

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
  while (Frame* const busy = BusyFrame(core)) {
    const Watching watching(busy->thread());
    // From here on either it sees that it is watched, or this sees that it has left. Only where the
    // system has no heavy barrier is there need to look again.
    const bool sure = sync::HeavyBarrier();
    const sync::Lock lock(watch_mutex);
    while (IsBusy(*busy, core)) {
      const SteadyTime now = Clock::Real().Now();
      if (deadline.has_value() && now >= *deadline) return false;
      const SteadyTime look = TimeAfter(now, std::chrono::milliseconds(1));
      if (sure && !deadline.has_value()) {
        watch_left.Wait(watch_mutex);
      } else {
        watch_left.WaitUntil(watch_mutex, sure ? *deadline : look);
      }
    }
  }
  return true;
}

void ThreadRecord::TellWatchers() {
  const sync::Lock lock(watch_mutex);
  watch_left.NotifyAll();
}

// --- Who waits for whom ---

namespace {

// Guards every ThreadRecord::waiting_for. Taken only by a Reset that has to wait.
sync::Mutex graph_mutex;

// Whether `listener` cannot end before `thread` goes on. Whoever waits cannot leave meanwhile,
// because of the graph's mutex; whoever does not wait closes no cycle.
bool DependsOn(const Listener& listener, const ThreadRecord& thread)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(graph_mutex) {
  bool depends = false;
  Frame::ForEach([&](const Frame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(graph_mutex) {
    if (depends || !frame.Is(listener.place())) return;
    const Listener* const next = frame.thread().waiting_for.load(std::memory_order_relaxed);
    depends = &frame.thread() == &thread || (next != nullptr && DependsOn(*next, thread));
  });
  return depends;
}

}  // namespace

WaitForListener::WaitForListener(const Listener& listener) {
  ThreadRecord* const thread = ThreadRecord::Current();
  BELFRY_CHECK(thread != nullptr, "there is no memory to wait for a listener");
  const sync::Lock lock(graph_mutex);
  if (DependsOn(listener, *thread)) return;
  thread_ = thread;
  thread_->waiting_for.store(&listener, std::memory_order_relaxed);
}

WaitForListener::~WaitForListener() {
  if (thread_ == nullptr) return;
  const sync::Lock lock(graph_mutex);
  thread_->waiting_for.store(nullptr, std::memory_order_relaxed);
}

}  // namespace belfry
