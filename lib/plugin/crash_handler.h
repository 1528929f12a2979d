// Who names the plugin in which the program crashes; see belfry/plugin_crash.h.
#pragma once

namespace belfry {

// While one is there, the signals are caught.
//
// Thread safety: any thread. The last one puts back what was there before the first, unless
// somebody else has put his own handler there since.
class CrashHandler {
 public:
  CrashHandler();
  ~CrashHandler();
  CrashHandler(const CrashHandler&) = delete;
  CrashHandler& operator=(const CrashHandler&) = delete;
};

// Gives the calling thread a stack for the handler, so that a plugin may use up its own.
void PrepareThreadForCrashes();

}  // namespace belfry
