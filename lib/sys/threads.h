// Threads as the library wants them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sync/sync.h"

namespace belfry::sys {

// Starts a thread named `name` (cut to 15 bytes) with all signals blocked that come from outside,
// so that no such handler ever runs on it.
// Errors: throws std::system_error when the system refuses.
sync::Thread StartThread(const std::string& name, std::function<void()> work);

// 0: the system was not asked yet.
extern constinit thread_local std::int64_t own_thread_id __attribute__((tls_model("initial-exec")));
[[gnu::cold]] std::int64_t AskThreadId();

// The calling thread's id, as the system and debuggers show it.
inline std::int64_t ThreadId() { return own_thread_id != 0 ? own_thread_id : AskThreadId(); }

// Calls `told` with `argument`, once, when the calling thread ends, after the destructors of its
// thread_local objects. One `told` in a process.
void AtThreadExit(void (*told)(void*), void* argument);

}  // namespace belfry::sys
