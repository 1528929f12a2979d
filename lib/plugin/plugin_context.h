// What the host does for one plugin, and owns of it: its event types and its listeners.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/plugin.h"
#include "belfry/plugin_file.h"
#include "belfry/plugin_host.h"
#include "belfry/plugin_timers.h"
#include "belfry/subscription.h"
#include "plugin/exposed_events.h"
#include "plugin/known_types.h"
#include "plugin/plugin_account.h"
#include "plugin/plugin_listener.h"
#include "sync/sync.h"

namespace belfry {
class PluginContext;
}

struct belfry_context {
  belfry::PluginContext* plugin;
};

namespace belfry {

// Thread safety: what the plugin calls, any thread; what the host calls, one thread at a time.
// Lifetime: the plugin's, and longer than each of its listeners.
class PluginContext {
 public:
  PluginContext(Dispatcher& dispatcher, const ExposedEvents& exposed,
                const PluginHostOptions& options, int crash_descriptor, const PluginNote& note);
  PluginContext(const PluginContext&) = delete;
  PluginContext& operator=(const PluginContext&) = delete;

  const belfry_host& table() const { return table_; }
  PluginAccount& account() { return account_; }
  const PluginAccount& account() const { return account_; }

  // The host's calls. What the plugin asks for is done from Begin on, but while it is disabled, and
  // refused after Ended. What it subscribes before it is enabled, or takes over, hears nothing yet:
  // its start may fail, and destroy what its listeners need.
  void Begin() { Enter(Phase::kStarting); }
  // Puts its listeners into the places of the former's that have their names and event types, and
  // subscribes the others. The former keeps those without a place, as if it were disabled.
  // Errors: ABORTED: all is done, but one of the former's listeners is still running, which the
  // caller is inside of, or waits for. RESOURCE_EXHAUSTED, or why one was refused: some are done,
  // which the former may take over again.
  absl::Status TakeOver(PluginContext& former);
  // Ends deliveries, and waits. Errors: see PluginHost::Disable.
  absl::Status Disable();
  // Errors: why one of its listeners was refused; it stays disabled then.
  absl::Status Enable();
  // Forgets its listeners, and waits until they are released. It is disabled.
  void ReleaseListeners();
  void BeginStop() { Enter(Phase::kStopping); }  // it may publish
  void Ended() { Enter(Phase::kEnded); }

  // The plugin's calls.
  absl::Status CheckStarted() const;
  KnownTypes& types() { return types_; }
  absl::Status Publish(const belfry_event_type* type, std::uint32_t form, const void* data,
                       std::size_t size);
  absl::Status Subscribe(const belfry_listener* listener, std::uint64_t* id);
  absl::Status StartTimer(const belfry_timer* timer, std::uint64_t* id);
  absl::Status Unsubscribe(std::uint64_t id);  // or a timer

 private:
  friend class LivePluginListener;
  // It may subscribe while it is running, and publish in the phases that end, too.
  enum class Phase { kEnded, kStarting, kRunning, kDisabling, kDisabled, kStopping };
  struct Entry {
    std::shared_ptr<PluginListener> listener;
    Subscription subscription;
    bool attaching = false;  // some thread is subscribing it
  };

  void Enter(Phase phase);
  absl::Status CheckListener(const belfry_listener& listener) const;
  // `named` is told its id before anything can happen.
  using Named = std::function<void(std::uint64_t id)>;
  absl::Status AddListener(const belfry_listener& listener, std::uint64_t* id, const Named& named);
  struct Added {
    std::uint64_t id;
    bool attaching;
  };
  absl::StatusOr<Added> AddEntry(const std::shared_ptr<PluginListener>& listener,
                                 const Named& named);
  using ListenersById = std::vector<std::pair<std::uint64_t, std::shared_ptr<PluginListener>>>;
  // Those that are to be attached, as it is running now.
  ListenersById Run();
  // Where `place` is another one's subscription, in its place. What is left in it was not used.
  absl::Status Attach(std::uint64_t id, const std::shared_ptr<PluginListener>& listener,
                      Subscription& place);
  absl::Status SubscribeNow(const std::shared_ptr<PluginListener>& listener, Subscription& place);
  // An entry without its subscription, and as if it were attaching; id 0: none.
  struct Place {
    std::uint64_t id = 0;
    Subscription subscription{};
  };
  // Of the listener with that name, event type and way to run.
  Place GiveUp(const PluginListener& successor);
  void TakeBack(Place place);
  void FinishAttaching(std::uint64_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Says(const std::vector<PluginNote::Event>& events, std::string_view name) const;
  bool IsLeftBehind();
  absl::Status AwaitNothingRuns();
  void AwaitQuiet() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Dispatcher& dispatcher_;
  const PluginHostOptions& options_;
  const PluginNote& note_;
  PluginAccount account_;
  KnownTypes types_;
  belfry_context context_{this};
  belfry_host table_;
  sync::Atomic<Phase> phase_{Phase::kEnded};  // written under the mutex

  sync::Mutex mutex_;
  sync::Condition changed_;                                         // live_, attaching_, entries_
  std::map<std::uint64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);  // by id
  std::uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t live_ ABSL_GUARDED_BY(mutex_) = 0;       // listeners, also those that are ending
  std::size_t attaching_ ABSL_GUARDED_BY(mutex_) = 0;  // threads in Attach
};

// The functions of belfry_host.
belfry_host HostTable(belfry_context& context);

}  // namespace belfry
