#include "plugin/plugin_call.h"

#include <algorithm>

namespace belfry {
namespace {

// What others see of a thread.
class ThreadCalls {
 public:
  ThreadCalls();
  ~ThreadCalls();
  ThreadCalls(const ThreadCalls&) = delete;
  ThreadCalls& operator=(const ThreadCalls&) = delete;

  // The thread's own.
  void Enter(const PluginAccount* plugin) {
    number_.store(++last_, std::memory_order_relaxed);
    plugin_.store(plugin, std::memory_order_release);
  }
  // The call goes on that the one that has ended was made in: to others a new one.
  void Leave(const PluginCall* outer) {
    while (outer != nullptr && outer->plugin == nullptr) outer = outer->outer;
    Enter(outer == nullptr ? nullptr : outer->plugin);
  }

  RunningPluginCall running() const {
    const PluginAccount* const plugin = plugin_.load(std::memory_order_acquire);
    return {plugin, this, number_.load(std::memory_order_relaxed)};
  }

 private:
  sync::Atomic<const PluginAccount*> plugin_{nullptr};
  sync::Atomic<std::uint64_t> number_{0};
  std::uint64_t last_ = 0;
};

struct AllThreads {
  sync::Mutex mutex;
  std::vector<const ThreadCalls*> threads ABSL_GUARDED_BY(mutex);
};
AllThreads& Threads() {
  static auto& threads = *new AllThreads;  // threads may end after the static objects have
  return threads;
}

ThreadCalls::ThreadCalls() {
  const sync::Lock lock(Threads().mutex);
  Threads().threads.push_back(this);
}

struct ThisThread {
  const PluginCall* innermost;
  ThreadCalls* calls;  // null before its first one, and when the thread has ended
  bool ended;
};
constinit thread_local ThisThread this_thread __attribute__((tls_model("initial-exec"))) = {};

ThreadCalls::~ThreadCalls() {
  this_thread = {.innermost = this_thread.innermost, .calls = nullptr, .ended = true};
  const sync::Lock lock(Threads().mutex);
  std::erase(Threads().threads, this);
}

ThreadCalls* OwnCalls() {
  if (this_thread.ended) return nullptr;  // other thread_local objects' ends may make calls, too
  thread_local ThreadCalls calls;
  return &calls;
}

}  // namespace

PluginCallScope::PluginCallScope(const PluginCall& call) : call_(call) {
  call_.outer = this_thread.innermost;
  if (this_thread.calls == nullptr) this_thread.calls = OwnCalls();
  if (this_thread.calls != nullptr) this_thread.calls->Enter(call.plugin);
  this_thread.innermost = &call_;
}

PluginCallScope::~PluginCallScope() {
  this_thread.innermost = call_.outer;
  if (this_thread.calls != nullptr) this_thread.calls->Leave(call_.outer);
}

HostCallScope::HostCallScope() : call_{nullptr, "", "", this_thread.innermost} {
  if (this_thread.innermost != nullptr) this_thread.innermost = &call_;
}

HostCallScope::~HostCallScope() {
  if (this_thread.innermost == &call_) this_thread.innermost = call_.outer;
}

const PluginCall* CurrentPluginCall() { return this_thread.innermost; }

std::vector<RunningPluginCall> RunningPluginCalls() {
  std::vector<RunningPluginCall> running;
  const sync::Lock lock(Threads().mutex);
  for (const ThreadCalls* const thread : Threads().threads) {
    const RunningPluginCall call = thread->running();
    if (call.plugin != nullptr) running.push_back(call);
  }
  return running;
}

}  // namespace belfry
