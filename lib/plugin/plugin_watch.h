// Who notices that a call of a plugin goes on and on.
#pragma once

#include <memory>
#include <vector>

#include "belfry/clock.h"
#include "belfry/timers.h"
#include "plugin/plugin_call.h"
#include "sync/sync.h"

namespace belfry {

class PluginAccount;

// Looks from time to time at all calls that run, so that a call does nothing for it. While a
// plugin's listener waits for one of another plugin, it is that one's call that runs.
//
// Thread safety: any thread. Lifetime: stopped before it is destroyed; timers may keep it longer.
class PluginWatch : public std::enable_shared_from_this<PluginWatch> {
 public:
  PluginWatch(const Clock& clock, Timers& timers, Nanoseconds deadline);

  void Arm();
  void Add(PluginAccount& plugin);
  void Remove(PluginAccount& plugin);  // waits for a look, but for the calling thread's own
  void Stop();                         // so does this

 private:
  struct Seen {
    RunningPluginCall call;
    SteadyTime since;
  };

  void Look();
  void LookAtAll();
  bool Watches(PluginAccount* plugin);
  void AwaitLook() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  Timers& timers_;
  const Nanoseconds deadline_;
  std::vector<Seen> seen_;  // of who looks

  sync::Mutex mutex_;
  sync::Condition ended_;
  std::vector<PluginAccount*> plugins_ ABSL_GUARDED_BY(mutex_);
  TimerId timer_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  sync::Thread::id looker_ ABSL_GUARDED_BY(mutex_);  // none: nobody looks
};

}  // namespace belfry
