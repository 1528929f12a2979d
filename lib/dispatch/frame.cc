#include "dispatch/frame.h"

#include "dispatch/listener.h"
#include "sys/threads.h"

namespace belfry {
namespace {

ThreadRecord& CurrentThread() {
  thread_local ThreadRecord record(sys::ThreadId());
  return record;
}

// Guards every ThreadRecord::waiting_for. Taken only by a Reset that has to wait, and before any
// listener's mutex.
sync::Mutex graph_mutex;

// Whether `listener` cannot end before `thread` goes on. Looks at one delivery after the other, so
// that no two listeners' mutexes are ever held at once; whoever waits cannot leave meanwhile,
// because of the graph's mutex.
bool DependsOn(const Listener& listener, const ThreadRecord& thread)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(graph_mutex) {
  std::uint64_t number = 0;
  while (const auto runner = listener.NextRunner(number)) {
    if (runner->thread == &thread) return true;
    if (runner->waiting_for != nullptr && DependsOn(*runner->waiting_for, thread)) return true;
    number = runner->number;
  }
  return false;
}

}  // namespace

Frame::Frame(DispatcherCore& core, Listener& listener)
    : core_(core),
      listener_(listener),
      thread_(CurrentThread()),
      outer_(thread_.innermost),
      depth_(outer_ == nullptr ? 1 : outer_->depth_ + 1) {
  thread_.innermost = this;
}

Frame::~Frame() { thread_.innermost = outer_; }

const Frame* Frame::Innermost() { return CurrentThread().innermost; }

bool Frame::Inside(const Listener& listener) {
  for (const Frame* frame = Innermost(); frame != nullptr; frame = frame->outer()) {
    if (&frame->listener() == &listener) return true;
  }
  return false;
}

const Frame* Frame::InnermostOf(const DispatcherCore& core) {
  for (const Frame* frame = Innermost(); frame != nullptr; frame = frame->outer()) {
    if (&frame->core() == &core) return frame;
  }
  return nullptr;
}

WaitForListener::WaitForListener(const Listener& listener) {
  const sync::Lock lock(graph_mutex);
  would_deadlock_ = DependsOn(listener, CurrentThread());
  if (!would_deadlock_) CurrentThread().waiting_for.store(&listener, std::memory_order_relaxed);
}

WaitForListener::~WaitForListener() {
  const sync::Lock lock(graph_mutex);
  if (!would_deadlock_) CurrentThread().waiting_for.store(nullptr, std::memory_order_relaxed);
}

}  // namespace belfry
