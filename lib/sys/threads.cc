#include "sys/threads.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "belfry/check.h"
#include "sys/sys.h"

namespace belfry::sys {
namespace {

// A new thread inherits the mask, so it is set around the start: no signal finds a gap. Those that
// a thread brings upon itself stay open, so that crash handlers see them.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      sigdelset(&all, own);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

constexpr std::size_t kThreadNameMax = 15;

}  // namespace

sync::Thread StartThread(const std::string& name, std::function<void()> work) {
  if (const int error = Ask(Call::kStartThread).error; error != 0) {
    throw std::system_error(error, std::generic_category(), "a thread could not be started");
  }
  const AllSignalsBlocked blocked;
  return sync::Thread([name = name.substr(0, kThreadNameMax), work = std::move(work)] {
    pthread_setname_np(pthread_self(), name.c_str());
    work();
  });
}

constinit thread_local std::int64_t own_thread_id = 0;

std::int64_t AskThreadId() { return own_thread_id = ::syscall(SYS_gettid); }

void AtThreadExit(void (*told)(void*), void* argument) {
  // A key, since a thread_local object could not be made again by destructors that run after it.
  static const pthread_key_t key = [told] {
    pthread_key_t made{};
    const int error = pthread_key_create(&made, told);
    BELFRY_CHECK(error == 0, "the system has no thread-specific key left");
    return made;
  }();
  const int error = pthread_setspecific(key, argument);
  BELFRY_CHECK(error == 0, "there is no memory for a thread's end");
}

}  // namespace belfry::sys
