#include "sys/threads.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <system_error>
#include <utility>

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

std::int64_t ThreadId() {
  thread_local const std::int64_t id = ::syscall(SYS_gettid);
  return id;
}

}  // namespace belfry::sys
