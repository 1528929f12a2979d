#include "dispatch/wait_graph.h"

#include "belfry/check.h"

namespace belfry {
namespace {

// Guards every ThreadRecord::waiting_for. Taken only by a Reset that has to wait.
sync::Mutex graph_mutex;

// Whether `listener` cannot end before `thread` goes on. Whoever waits cannot leave meanwhile,
// because of the graph's mutex; whoever does not wait closes no cycle.
bool DependsOn(const Listener& listener, const ThreadRecord& thread)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(graph_mutex) {
  bool depends = false;
  Frame::ForEach([&](const Frame& frame) {
    graph_mutex.AssertHeld();
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
