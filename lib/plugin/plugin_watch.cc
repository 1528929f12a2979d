#include "plugin/plugin_watch.h"

#include <algorithm>
#include <new>
#include <system_error>

#include "plugin/plugin_account.h"

namespace belfry {

PluginWatch::PluginWatch(const Clock& clock, Timers& timers, Nanoseconds deadline)
    : clock_(clock), timers_(timers), deadline_(deadline) {}

// Twice in that time, so that it is noticed before it has taken twice as long.
void PluginWatch::Arm() {
  const TimerId timer = timers_.RunAfter(deadline_ / 2, [weak = weak_from_this()] {
    if (const std::shared_ptr<PluginWatch> self = weak.lock()) self->Look();
  });
  const sync::Lock lock(mutex_);
  timer_ = timer;
}

void PluginWatch::Add(PluginAccount& plugin) {
  const sync::Lock lock(mutex_);
  plugins_.push_back(&plugin);
}

void PluginWatch::Remove(PluginAccount& plugin) {
  const sync::Lock lock(mutex_);
  AwaitLook();
  std::erase(plugins_, &plugin);
}

void PluginWatch::Stop() {
  TimerId timer;
  {
    const sync::Lock lock(mutex_);
    stopped_ = true;
    AwaitLook();
    timer = timer_;
  }
  timers_.Cancel(timer);
}

void PluginWatch::AwaitLook() {
  while (looker_ != sync::Thread::id() && looker_ != std::this_thread::get_id()) {
    ended_.Wait(mutex_);
  }
}

bool PluginWatch::Watches(PluginAccount* plugin) {
  const sync::Lock lock(mutex_);
  return std::find(plugins_.begin(), plugins_.end(), plugin) != plugins_.end();
}

void PluginWatch::Look() {
  {
    const sync::Lock lock(mutex_);
    if (stopped_ || looker_ != sync::Thread::id()) return;
    looker_ = std::this_thread::get_id();
  }
  try {
    LookAtAll();
  } catch (const std::bad_alloc&) {
    // The next look may see more.
  }
  try {
    Arm();
  } catch (const std::bad_alloc&) {
    // Nobody looks any more: what runs for too long is not noticed.
  } catch (const std::system_error&) {
    // Likewise.
  }
  const sync::Lock lock(mutex_);
  looker_ = {};
  ended_.NotifyAll();
}

void PluginWatch::LookAtAll() {
  std::vector<PluginAccount*> plugins;
  {
    const sync::Lock lock(mutex_);
    plugins = plugins_;
  }
  const SteadyTime now = clock_.Now();
  std::vector<Seen> seen;
  for (const RunningPluginCall& call : RunningPluginCalls()) {
    const auto before = std::find_if(seen_.begin(), seen_.end(),
                                     [&](const Seen& other) { return other.call == call; });
    seen.push_back(before == seen_.end() ? Seen{call, now} : *before);
  }
  seen_.swap(seen);
  for (PluginAccount* const plugin : plugins) {
    if (!Watches(plugin)) continue;  // who was told of the one before may have unloaded it
    Nanoseconds longest{};
    for (const Seen& call : seen_) {
      if (call.call.plugin == plugin) longest = std::max<Nanoseconds>(longest, now - call.since);
    }
    plugin->RunsFor(longest);
  }
}

}  // namespace belfry
