#include "plugin/crash_handler.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>

#include "plugin/crash_file.h"
#include "plugin/plugin_account.h"
#include "plugin/plugin_call.h"
#include "plugin/safe_text.h"
#include "sync/sync.h"

namespace belfry {
namespace {

struct Caught {
  int number;
  const char* name;
};
constexpr std::array<Caught, 5> kCaught{{{SIGSEGV, "SIGSEGV"},
                                         {SIGBUS, "SIGBUS"},
                                         {SIGILL, "SIGILL"},
                                         {SIGFPE, "SIGFPE"},
                                         {SIGABRT, "SIGABRT"}}};
std::array<struct sigaction, kCaught.size()> former;

void Name(const char* signal, const PluginCall& call) {
  const PluginCall* const plugins = call.plugin != nullptr ? &call : call.outer;
  const PluginAccount& plugin = *plugins->plugin;
  SafeText line;
  line.Add("belfry: ");
  line.Add(signal);
  line.Add(call.plugin != nullptr ? " inside of plugin "
                                  : " inside of what was published by plugin ");
  for (const char* const word :
       {plugin.id().c_str(), " ", plugin.version().c_str(), ", ", plugins->listener,
        *plugins->event == '\0' ? "" : ", event ", plugins->event}) {
    line.AddField(word);
  }
  line.Add("\n");
  line.WriteTo(STDERR_FILENO);
  if (call.plugin == nullptr || plugin.crash_descriptor() < 0) return;
  WriteCrash(plugin.crash_descriptor(), plugin.id().c_str(), plugin.version().c_str(),
             call.listener, call.event, signal);
}

void Handle(int number, siginfo_t* info, void* /*context*/) {
  const int error = errno;
  for (std::size_t i = 0; i < kCaught.size(); ++i) {
    if (kCaught[i].number != number) continue;
    // What comes next, be it a crash in here, is for whoever was there before.
    ::sigaction(number, &former[i], nullptr);
    if (const PluginCall* const call = CurrentPluginCall()) Name(kCaught[i].name, *call);
  }
  // A fault comes again when this returns; what somebody has sent does not.
  if (info->si_code <= 0) ::raise(number);
  errno = error;
}

sync::Mutex mutex;
std::size_t handlers ABSL_GUARDED_BY(mutex) = 0;

class AlternateStack {
 public:
  AlternateStack() {
    stack_t current{};
    ::sigaltstack(nullptr, &current);
    if ((current.ss_flags & SS_DISABLE) == 0) return;  // somebody has given it one
    memory_ = std::make_unique<std::byte[]>(kBytes);
    const stack_t own{memory_.get(), 0, kBytes};
    ::sigaltstack(&own, nullptr);
  }
  ~AlternateStack() {
    if (memory_ == nullptr) return;
    const stack_t none{nullptr, SS_DISABLE, kBytes};
    ::sigaltstack(&none, nullptr);
  }
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  static constexpr std::size_t kBytes = 65536;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace

CrashHandler::CrashHandler() {
  const sync::Lock lock(mutex);
  if (handlers++ > 0) return;
  struct sigaction action {};
  action.sa_sigaction = Handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (std::size_t i = 0; i < kCaught.size(); ++i) {
    ::sigaction(kCaught[i].number, &action, &former[i]);
  }
}

CrashHandler::~CrashHandler() {
  const sync::Lock lock(mutex);
  if (--handlers > 0) return;
  for (std::size_t i = 0; i < kCaught.size(); ++i) {
    struct sigaction current {};
    ::sigaction(kCaught[i].number, nullptr, &current);
    if (current.sa_sigaction == Handle) ::sigaction(kCaught[i].number, &former[i], nullptr);
  }
}

void PrepareThreadForCrashes() {
  thread_local const AlternateStack stack;
  static_cast<void>(stack);
}

}  // namespace belfry
