#include "explore/last_words.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "explore/quiet.h"
#include "explore/run.h"

extern "C" {
// Of the sanitizers' run-time libraries, absent elsewhere.
[[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());
// Called by ThreadSanitizer's, at every report.
[[gnu::visibility("default")]] void __tsan_on_report(void* report);
}

namespace belfry::explore {
namespace {

std::atomic<const Run*> running{nullptr};
std::atomic<void (*)(int)> before{SIG_DFL};

// Not what a signal handler should do; but the process is dying, and inside the program's own code
// rather than in here or in the allocator.
void Say() {
  const Quiet quiet;
  const Run* const run = running.load();
  if (run == nullptr) return;
  std::fprintf(stderr, "\nin the schedule with the replay string \"%s\", after step %llu\n",
               run->ReplayString().c_str(), static_cast<unsigned long long>(run->steps()));
}

void SayOnAbort(int number) {
  Say();
  ::signal(number, before);
  ::raise(number);
}

void SayOnDeath() { Say(); }

}  // namespace

LastWords::LastWords(const Run& run) {
  static const bool once = [] {
    before = ::signal(SIGABRT, &SayOnAbort);
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(&SayOnDeath);
    return true;
  }();
  static_cast<void>(once);
  running = &run;
}

LastWords::~LastWords() { running = nullptr; }

}  // namespace belfry::explore

void __tsan_on_report(void* /*report*/) { belfry::explore::Say(); }
